"""The gateway, and the package's own server, held to every case of the table."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.places import Place
from tests.protocols.table import CHANGED, Operator, needs_node, outcomes

FOLDER = Path(__file__).parent
CHANGE = """mutation ($guid: ID!, $state: ExecutionState!) {
  updateExecution(guid: $guid, input: {state: $state}) { __typename }
}"""
EVENTS = "subscription ($after: String) { executionEvents(after: $after) { cursor type } }"
STRICTER_THAN_THE_PACKAGE = {"M17", "M18", "O03", "O11"}
"""Cases that its own server fails: it closes with 4500 where its document says 4400, or error."""
DEPENDS_ON_TIMING = {"S05"}
"""Its server completes an id that is used again a second time, as the subscription before ends."""


def _subject(operator: Operator) -> dict[str, Any]:
    return {
        "url": f"ws{operator.gateway.url.removeprefix('http')}/graphql",
        "connectionParams": operator.headers,
        "refusedParams": {"authorization": "Bearer nobody"},
        "initTimeout": 2000,
        "query": {"query": "{ executions { totalCount } }"},
        "subscription": {"query": EVENTS, "variables": {"after": None}},
        "trigger": [
            {"query": CHANGE, "variables": {"guid": CHANGED, "state": state}}
            for state in ("FINISHED", "ERROR")
        ],
        "cursor": {
            "variable": "after",
            "path": ["executionEvents", "cursor"],
            "expired": "EVENTS_EXPIRED",
        },
        "pings": True,
    }


@needs_node(FOLDER)
def test_the_gateway_passes_every_case(place: Place) -> None:
    settings = {"connection_init_timeout": 2.0, "heartbeat_interval": 0.3}
    with Operator(place, **settings).working() as operator:
        told = outcomes(FOLDER, _subject(operator), operator)
    assert [each for each in told if each["status"] != "ok"] == []
    assert [(each["id"], each["name"]) for each in told] == _documented()


def _documented() -> list[tuple[str, str]]:
    text = (FOLDER / "README.md").read_text("utf-8")
    return re.findall(r"^\| ([A-Z]\d\d) \| (.+) \|$", text, re.MULTILINE)


@pytest.fixture
def reference() -> Iterator[str]:
    """The URL of a server of the package's own."""
    with subprocess.Popen(
        ["node", "reference.mjs"],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()


class _Nobody:
    """An operator who can do nothing."""

    def do(self, wish: str) -> None:
        """Refuse."""


@needs_node(FOLDER)
def test_another_server_can_be_held_to_the_cases_too(reference: str) -> None:
    subject = {
        "url": reference,
        "connectionParams": {},
        "refusedParams": {"may": False},
        "initTimeout": 2000,
        "query": {"query": "{ number }"},
        "subscription": {"query": "subscription { added }"},
        "trigger": [{"query": "mutation { add }"}],
    }
    operator: Any = _Nobody()
    told = outcomes(FOLDER, subject, operator)
    failed = {each["id"] for each in told if each["status"] == "failed"}
    assert failed - DEPENDS_ON_TIMING == STRICTER_THAN_THE_PACKAGE, json.dumps(told)
