"""Agentflows that need no network, as Flowise's canvas saves them."""

import itertools
import json
from typing import Any

_Part = dict[str, Any]


def _node(number: str, name: str, label: str, parent: str | None = None, **inputs: object) -> _Part:
    node_id = f"{name}_{number}"
    node: _Part = {
        "id": node_id,
        "type": "iteration" if name == "iterationAgentflow" else "agentFlow",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "label": label,
            "version": 1,
            "name": name,
            "type": name,
            "category": "Agent Flows",
            "baseClasses": [name],
            "inputParams": [
                {"label": key, "name": key, "type": "string", "acceptVariable": True}
                for key in inputs
            ],
            "inputAnchors": [],
            "inputs": inputs,
            "outputAnchors": [],
            "outputs": {},
        },
    }
    return node | ({"parentNode": parent, "extent": "parent"} if parent else {})


def _flow(*nodes: _Part, branches: tuple[_Part, ...] = ()) -> str:
    """A flow whose nodes follow each other; the last of them leads to one of the branches."""
    outside = [node for node in nodes if "parentNode" not in node]
    edges = [_edge(*pair) for pair in itertools.pairwise(outside)]
    edges += [_edge(outside[-1], branch, number) for number, branch in enumerate(branches)]
    return json.dumps({"nodes": [*nodes, *branches], "edges": edges})


def _edge(source: _Part, target: _Part, output: int = 0) -> _Part:
    return {
        "id": f"{source['id']}-{target['id']}",
        "type": "agentFlow",
        "source": source["id"],
        "sourceHandle": f"{source['id']}-output-{output}",
        "target": target["id"],
        "targetHandle": target["id"],
    }


def _code(number: str, label: str, code: str, **more: Any) -> _Part:
    inputs = {"customFunctionJavascriptFunction": code, "customFunctionInputVariables": ""}
    return _node(number, "customFunctionAgentflow", label, **inputs | more)


_START = _node(
    "0",
    "startAgentflow",
    "Start",
    startInputType="chatInput",
    startState=[{"key": "count", "value": "0"}],
)
_REPLY = _node(
    "0", "directReplyAgentflow", "Direct Reply", directReplyMessage="Hello, {{ question }}"
)
_REFUSAL = _node("1", "directReplyAgentflow", "Refusal", directReplyMessage="No")
_HUMAN = _node(
    "0",
    "humanInputAgentflow",
    "Approve",
    humanInputDescriptionType="fixed",
    humanInputDescription="Go on?",
    humanInputEnableFeedback=True,
)
_ITEMS = _node("0", "iterationAgentflow", "Each", iterationInput='["a", "b", "c"]')
_EACH = _code(
    "1",
    "Inner",
    "return 'did ' + $item;",
    parent="iterationAgentflow_0",
    customFunctionInputVariables=[{"variableName": "item", "variableValue": "{{ $iteration }}"}],
)
WAITS_AT = _HUMAN["id"]
"""The node at which HUMAN waits for a person."""
FAILURE = "The order 4711 is not known: \u00e9 \U0001f600"
"""What the failing flow's error says."""

FLOWS = {
    "success": _flow(_START, _code("0", "Count", "return 'counted ' + (1 + 1);"), _REPLY),
    "failure": _flow(_START, _code("0", "Look up", f"throw new Error('{FAILURE}');"), _REPLY),
    "human": _flow(_START, _HUMAN, branches=(_REPLY, _REFUSAL)),
    "iteration": _flow(_START, _ITEMS, _EACH, _REPLY),
    "slow": _flow(
        _START,
        _code("0", "Wait", "await new Promise((done) => setTimeout(done, 3000)); return 'slow';"),
        _REPLY,
    ),
    "short": _flow(_START, _REPLY),
}
