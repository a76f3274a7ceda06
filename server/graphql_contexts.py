"""Whether a client asks for what its operation costs."""

from server.exchange import HttpRequest

COST_HEADER = "graphql-cost"
"""``GraphQL-Cost: report`` asks for what an operation costs, in ``extensions.cost``."""
_COST_HEADER = COST_HEADER.encode()


def reports_cost(request: HttpRequest) -> bool:
    """Whether a request asks for what its operation costs."""
    return (request.header(_COST_HEADER) or "").lower() == "report"
