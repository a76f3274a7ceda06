"""Subscriptions over both transports, whose clients notice that the gateway is gone."""

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from tests.raw_websocket import CLOSE, PING, RawSocket, frame, message

Result: TypeAlias = dict[str, Any]
PONG = 10
GONE = (OSError, http.client.HTTPException)
"""What is raised when the gateway is gone, or goes."""
MEANWHILE = {"SHUTTING_DOWN", "SERVICE_UNAVAILABLE", "FELL_BEHIND"}
"""Codes with which a subscription may end, for its client to come back."""


class Ended(Exception):
    """The gateway has ended a subscription, and says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _WebSocket(RawSocket):
    """A connection whose end is no fault of the test's."""

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the gateway is gone")
        self._received += data


def over_websocket(url: str, query: str, **variables: Any) -> Iterator[Result]:
    """The data of each result of a subscription; ends by an error of ``GONE``, or ``Ended``."""
    with _WebSocket(url) as socket:
        socket.open().send(message("connection_init"))
        asked = {"query": query, "variables": variables}
        while True:
            opcode, data = socket.read_frame()
            if opcode == PING:
                socket.send(frame(PONG, data))
                continue
            if opcode == CLOSE:
                raise ConnectionError(f"closed with {data!r}")
            told = json.loads(data)
            if told["type"] == "connection_ack":
                socket.send(message("subscribe", id="1", payload=asked))
            elif told["type"] == "next":
                yield _data(told["payload"])
            elif told["type"] == "ping":
                socket.send(message("pong"))
            elif told["type"] == "error":
                raise Ended(_code(told["payload"]))
            else:
                assert told["type"] == "complete"
                raise Ended("complete")


def over_events(url: str, query: str, **variables: Any) -> Iterator[Result]:
    """The same over server-sent events."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    with contextlib.closing(connection):
        body = json.dumps({"query": query, "variables": variables})
        connection.request("POST", "/graphql", body, headers)
        with connection.getresponse() as answer:
            if answer.status != 200:
                raise Ended(_code(json.loads(answer.read())["errors"]))
            event = "message"
            while line := answer.readline():
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "next":
                    yield _data(json.loads(value))
                elif not name and event == "complete":
                    raise Ended("complete")
    raise ConnectionError("the gateway is gone")


TRANSPORTS: dict[str, Callable[..., Iterator[Result]]] = {
    "websocket": over_websocket,
    "sse": over_events,
}


def _data(result: Result) -> Result:
    if "errors" in result:
        raise Ended(_code(result["errors"]))
    data: Result = result["data"]
    return data


def _code(errors: list[Result]) -> str:
    code: str = errors[0]["extensions"]["code"]
    return code
