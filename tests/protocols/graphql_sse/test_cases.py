"""The gateway, held to every case of the table."""

import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.places import Place
from tests.protocols.table import CHANGED, Operator, free_port, needs_node, outcomes

FOLDER = Path(__file__).parent
EVENTS = {"accept": "text/event-stream"}
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


class Reference:
    """The package's own server, and its operator."""

    def __init__(self) -> None:
        self._port = free_port()
        self._numbers = itertools.count(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def do(self, wish: str) -> dict[str, Any] | None:
        """Do what a case asks for."""
        match wish:
            case "event":
                number = next(self._numbers)
                add = f"mutation {{ add(number: {number}) }}"
                # Alone over HTTP, where no stream is asked for, it wants a token.
                told = plain_http.post(self.url, json={"query": add}, headers=EVENTS)
                assert told.status_code == 200
                return {"contains": f'"added":{number}}}'}
            case "subscriptions":
                return {"count": int(plain_http.get(f"{self.url}/subscriptions").text)}
            case "stop":
                self.stop()
            case "start":
                self.start()
            case "restart":
                self.stop()
                self.start()
            case _:
                return None
        return {}

    def start(self) -> None:
        """Start the server."""
        self._process = subprocess.Popen(
            ["node", "reference.mjs", str(self._port)], cwd=FOLDER, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.communicate()


@pytest.mark.sqlite
@needs_node(FOLDER)
def test_the_cases_tell_servers_apart() -> None:
    reference = Reference()
    subject = {
        "url": reference.url,
        "headers": {},
        "refusedHeaders": {"authorization": "Bearer nobody"},
        "query": {"query": "{ number }"},
        "mutation": {"query": "mutation { add(number: 0) }"},
        "subscription": {"query": "subscription { added }"},
        "invalid": {"query": "subscription { nothing }"},
        "badVariables": {
            "query": "mutation ($n: Int!) { add(number: $n) }",
            "variables": {"n": "many"},
        },
    }
    try:
        told = outcomes(FOLDER, subject, reference)
    finally:
        reference.stop()
    failed = {each["id"]: each["reason"] for each in told if each["status"] == "failed"}
    skipped = {each["id"] for each in told if each["status"] == "skipped"}
    assert set(failed) == {"E04"}, failed
    assert skipped == {"C13", "C14", "C15", "E03", "E06"}


def test_the_readme_lists_every_case() -> None:
    parts = ("wire", "client", "event_source")
    source = "".join((FOLDER / "cases" / f"{part}.mjs").read_text("utf-8") for part in parts)
    readme = (FOLDER / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| ([WCE]\d\d) \|", readme, re.MULTILINE)
    assert listed == re.findall(r"'([WCE]\d\d)'", source)
