"""The client in the README, as it stands there, while the gateway can't always serve it."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.programs import ROOT, wait_until
from tests.places import Place
from tests.protocols.table import Operator, needs_node
from tests.server.graphql.subscriptions.watchers import Watcher, value_of

FOLDER = Path(__file__).parent
_BEFORE = """
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
globalThis.WebSocket = WebSocket;
"""
_GUID = re.compile(r"guid: '(.*?)'")
_BEGUN = 'gateway_requests_total{edge="websocket",method="SUBSCRIBE",status="next"}'
_REFUSALS = 'gateway_limit_refusals_total{limit="max_subscriptions"}'
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, 'flow', 's', 'ERROR', 1700000000000)"
)


def _client(operator: Operator) -> str:
    text = (ROOT / "README.md").read_text("utf-8")
    code: str
    [code] = re.findall(r"```js\n(.*?createClient.*?)```", text, re.DOTALL)
    address = operator.gateway.url.removeprefix("http://")
    key = operator.headers["authorization"]
    return _BEFORE + code.replace("127.0.0.1:8000", address).replace("Bearer egw_...", key)


@contextlib.contextmanager
def _guids(operator: Operator) -> Iterator[Iterator[str]]:
    """What the client is told of, until the block ends."""
    with subprocess.Popen(
        ["node", "--input-type=module", "--eval", _client(operator)],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            yield (guid for line in running.stdout for guid in _GUID.findall(line))
        finally:
            running.terminate()


def _wait_for_subscriptions(operator: Operator, count: int) -> None:
    """Wait until so many have begun, whether or not they have ended."""
    wait_until(lambda: value_of(operator.gateway, _BEGUN) == count)


@needs_node(FOLDER)
def test_it_gets_every_event_once_though_the_gateway_starts_anew(place: Place) -> None:
    with Operator(place).working() as operator, _guids(operator) as told:
        _wait_for_subscriptions(operator, 1)
        place.run(_INSERT, [("before-1",), ("before-2",)])
        assert [next(told) for _ in range(2)] == ["before-1", "before-2"]
        operator.stop()
        place.run(_INSERT, [("meanwhile",)])
        operator.start()
        assert next(told) == "meanwhile"
        place.run(_INSERT, [("after",)])
        assert next(told) == "after"


@needs_node(FOLDER)
def test_it_subscribes_again_when_the_gateway_could_not_serve_it(place: Place) -> None:
    with Operator(place, max_subscriptions=1).working() as operator:
        key = operator.headers["authorization"].removeprefix("Bearer ")
        with Watcher(operator.gateway.url, key=key) as other:
            other.subscribe("1")
            _wait_for_subscriptions(operator, 1)
            with _guids(operator) as told:
                wait_until(lambda: value_of(operator.gateway, _REFUSALS) > 0)
                other.send("complete", id="1")
                _wait_for_subscriptions(operator, 2)
                place.run(_INSERT, [("after",)])
                assert next(told) == "after"
