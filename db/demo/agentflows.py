"""The agentflows of the demo's team, as it has built them with Flowise."""

from typing import NamedTuple

OVERLOADED = "503 Service Unavailable: the model is overloaded, try again later"
CHANGED_FORMAT = "Cannot read properties of undefined (reading 'lineItems')"
SEARCH_DOWN = "connect ECONNREFUSED 10.4.0.17:6333"


class Kind(NamedTuple):
    """A kind of node: its name in Flowise, the share of a run that it takes, how it fails."""

    name: str
    takes: float
    faults: tuple[str, ...] = ()


START = Kind("startAgentflow", 0)
MODEL = Kind(
    "llmAgentflow",
    5,
    (
        OVERLOADED,
        "429 Rate limit reached for requests per minute: limit 500. Try again in 12 s",
        "The request exceeds the model's context length: 134,208 of 128,000 tokens",
        "The model's answer is not the JSON that was asked for: expected a number at 'amount'",
    ),
)
AGENT = Kind(
    "agentAgentflow",
    9,
    (
        OVERLOADED,
        "429 Rate limit reached for tokens per minute: limit 450,000. Try again in 3 s",
        "Agent stopped after 15 iterations without a final answer",
    ),
)
CHOICE = Kind("conditionAgentAgentflow", 1)
SEARCH = Kind("retrieverAgentflow", 0.6, (SEARCH_DOWN,))
REQUEST = Kind(
    "httpAgentflow",
    0.9,
    (
        "Request failed with status code 401",
        "Request failed with status code 502",
        "getaddrinfo ENOTFOUND crm.internal",
    ),
)
TOOL = Kind("toolAgentflow", 1.4, ("read ECONNRESET", "The tool 'lookup_customer' timed out"))
CODE = Kind(
    "customFunctionAgentflow", 0.1, (CHANGED_FORMAT, "Unexpected token '<' in JSON at position 0")
)
REPLY = Kind("directReplyAgentflow", 0.02)


class Pace(NamedTuple):
    """How the runs of an agentflow go. ``seconds`` is the median; ``spread`` makes a long tail."""

    share: float
    seconds: float
    spread: float
    limit_seconds: int
    failing: float


class Agentflow(NamedTuple):
    """An agentflow: what it is, how its runs go, and an example of what it is asked."""

    name: str
    pace: Pace
    nodes: tuple[tuple[Kind, str], ...]
    asked: str
    answered: str
    has_sessions: bool = True
    is_nightly: bool = False

    @property
    def faults(self) -> list[str]:
        """What its runs can fail of."""
        return [fault for kind, _ in self.nodes for fault in kind.faults]


_CHAT = (
    (START, "Start"),
    (SEARCH, "Search help centre"),
    (CHOICE, "Can we answer?"),
    (MODEL, "Write answer"),
    (REPLY, "Reply"),
)
_LOOKUP = (
    (START, "Start"),
    (MODEL, "Understand question"),
    (TOOL, "Look up customer"),
    (REQUEST, "Read account"),
    (MODEL, "Write answer"),
    (REPLY, "Reply"),
)
_READING = (
    (START, "Start"),
    (REQUEST, "Fetch document"),
    (MODEL, "Extract fields"),
    (CODE, "Check totals"),
    (REQUEST, "Save to ledger"),
)
_RESEARCH = (
    (START, "Start"),
    (AGENT, "Plan research"),
    (TOOL, "Search the web"),
    (AGENT, "Read sources"),
    (MODEL, "Write summary"),
)
_DECISION = (
    (START, "Start"),
    (REQUEST, "Read case"),
    (SEARCH, "Find policy"),
    (AGENT, "Weigh the case"),
    (CHOICE, "Within limits?"),
    (REQUEST, "Record decision"),
)
_JOB = (
    (START, "Start"),
    (REQUEST, "Read changes"),
    (CODE, "Compare"),
    (AGENT, "Describe what changed"),
    (REQUEST, "Send"),
)


AGENTFLOWS = (
    Agentflow(
        "Support assistant",
        Pace(20, 9, 0.6, 300, 0.02),
        _CHAT,
        "How do I move my subscription to another account?",
        "Open Settings, then Billing, and choose Transfer. The new owner has to accept.",
    ),
    Agentflow(
        "Ticket triage",
        Pace(14, 4, 0.5, 120, 0.012),
        _CHAT,
        "The app signs me out whenever I change networks.",
        "Category: sign-in. Priority: high. Team: mobile.",
        has_sessions=False,
    ),
    Agentflow(
        "Billing agent",
        Pace(12, 18, 0.7, 300, 0.05),
        _LOOKUP,
        "Why was I charged twice in November?",
        "The second charge was a hold by your bank, and was released on Monday.",
    ),
    Agentflow(
        "Order status",
        Pace(11, 6, 0.5, 120, 0.02),
        _LOOKUP,
        "Where is order 48-20931?",
        "It left the warehouse in Leipzig this morning and arrives tomorrow.",
    ),
    Agentflow(
        "Invoice reader",
        Pace(9, 22, 0.6, 600, 0.06),
        _READING,
        "invoices/2026/11/4471.pdf",
        "12 line items, EUR 4,380.50 in total, due in 30 days.",
        has_sessions=False,
    ),
    Agentflow(
        "HR handbook",
        Pace(8, 5, 0.6, 120, 0.015),
        _CHAT,
        "What is our parental leave policy in Spain?",
        "16 weeks for each parent, paid in full; see the handbook, section 4.2.",
    ),
    Agentflow(
        "Refund desk",
        Pace(6, 35, 0.8, 600, 0.045),
        _DECISION,
        "Refund for order 48-19377, arrived damaged.",
        "Approved: EUR 59.90, to the card that was charged.",
    ),
    Agentflow(
        "Lead qualification",
        Pace(5, 28, 0.7, 600, 0.035),
        _RESEARCH,
        "northwind.example, 240 employees, asked for a demo",
        "Score 78: fits our size, uses a competitor whose contract ends in March.",
        has_sessions=False,
    ),
    Agentflow(
        "Fraud screening",
        Pace(4.5, 12, 0.5, 120, 0.02),
        _DECISION,
        "Order 48-20977: new device, express delivery",
        "No action: the address has been used for two years.",
        has_sessions=False,
    ),
    Agentflow(
        "Sales research",
        Pace(3.5, 140, 0.9, 1800, 0.06),
        _RESEARCH,
        "Prepare the meeting with Contoso on Thursday.",
        "Three pages: what they buy, who decides, and what changed since last year.",
    ),
    Agentflow(
        "Contract review",
        Pace(2.5, 190, 0.8, 1800, 0.05),
        _RESEARCH,
        "contracts/msa-draft-7.docx",
        "Two clauses differ from our standard: liability, and notice of 90 days.",
    ),
    Agentflow(
        "Incident responder",
        Pace(2, 75, 1.0, 900, 0.05),
        _DECISION,
        "Alert: checkout latency above 2 s in eu-west",
        "Linked to the deployment of 14:02; rolled back, latency is normal.",
    ),
    Agentflow(
        "Meeting notes",
        Pace(2, 45, 0.6, 600, 0.02),
        _READING,
        "recordings/weekly-product.vtt",
        "Four decisions and seven tasks, each with an owner.",
        has_sessions=False,
    ),
    Agentflow(
        "Onboarding guide",
        Pace(1.5, 14, 0.7, 300, 0.02),
        _CHAT,
        "Which accounts do I need on my first day?",
        "Mail, the wiki and the VPN. Your manager has asked for all three.",
    ),
    Agentflow(
        "Product sync",
        Pace(5, 420, 0.7, 3600, 0.05),
        _JOB,
        "since yesterday 02:00",
        "1,284 products compared, 37 descriptions rewritten.",
        has_sessions=False,
        is_nightly=True,
    ),
    Agentflow(
        "Nightly report",
        Pace(3, 160, 0.6, 1800, 0.03),
        _JOB,
        "for the last day",
        "Sent to 14 people.",
        has_sessions=False,
        is_nightly=True,
    ),
)
