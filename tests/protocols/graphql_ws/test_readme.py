"""The client in the README, as it stands there, while the gateway is stopped and started."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.programs import ROOT, wait_until
from tests.places import Place
from tests.protocols.table import Operator, needs_node
from tests.server.graphql.subscriptions.watchers import value_of

FOLDER = Path(__file__).parent
_BEFORE = """
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
globalThis.WebSocket = WebSocket;
"""
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


def _guids(running: "subprocess.Popen[str]") -> Iterator[str]:
    assert running.stdout is not None
    for line in running.stdout:
        yield from re.findall(r"guid: '(.*?)'", line)


@needs_node(FOLDER)
def test_it_gets_every_event_once_though_the_gateway_starts_anew(place: Place) -> None:
    with (
        Operator(place).working() as operator,
        subprocess.Popen(
            ["node", "--input-type=module", "--eval", _client(operator)],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        try:
            live = 'gateway_subscribers{phase="live"}'
            wait_until(lambda: value_of(operator.gateway, live) == 1)
            told = _guids(running)
            place.run(_INSERT, [("before-1",), ("before-2",)])
            assert [next(told) for _ in range(2)] == ["before-1", "before-2"]
            operator.stop()
            place.run(_INSERT, [("meanwhile",)])
            operator.start()
            assert next(told) == "meanwhile"
            place.run(_INSERT, [("after",)])
            assert next(told) == "after"
        finally:
            running.terminate()
