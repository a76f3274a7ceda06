"""The gateway, held to every case of the table."""

import re
from pathlib import Path
from typing import Any

from tests.places import Place
from tests.protocols.table import CHANGED, Operator, needs_node, outcomes

FOLDER = Path(__file__).parent
WATCH = "subscription { executionEvents { guid execution { sessionId } } }"
CHANGE = "mutation ($guid: ID!) { updateExecution(guid: $guid, input: {}) { __typename } }"


def _subject(operator: Operator) -> dict[str, Any]:
    return {
        "url": f"{operator.gateway.url}/graphql",
        "headers": operator.headers,
        "refusedHeaders": {"authorization": "Bearer nobody"},
        "query": {"query": "{ executions(first: 1) { totalCount } }"},
        "mutation": {"query": CHANGE, "variables": {"guid": CHANGED}},
        "subscription": {"query": WATCH},
        "invalid": {"query": "subscription { nothing }"},
        "badVariables": {
            "query": "query ($n: Int) { executions(first: $n) { totalCount } }",
            "variables": {"n": "many"},
        },
        "resumes": True,
    }


@needs_node(FOLDER)
def test_the_gateway_passes_every_case(place: Place) -> None:
    with Operator(place).working() as operator:
        told = outcomes(FOLDER, _subject(operator), operator)
    assert [each for each in told if each["status"] != "ok"] == []
    assert len(told) == len({each["id"] for each in told}) > 40


def test_the_readme_lists_every_case() -> None:
    parts = ("wire", "client", "event_source")
    source = "".join((FOLDER / "cases" / f"{part}.mjs").read_text("utf-8") for part in parts)
    readme = (FOLDER / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| ([WCE]\d\d) \|", readme, re.MULTILINE)
    assert listed == re.findall(r"'([WCE]\d\d)'", source)
