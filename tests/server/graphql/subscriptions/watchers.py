"""Clients that subscribe over a WebSocket, and read only when they are told to."""

import json
from typing import Any, Self

from tests.gateway import Gateway
from tests.raw_websocket import CLOSE, PING, TEXT, RawSocket, frame, message

EVENTS = """subscription ($filter: ExecutionFilter, $after: String) {
  executionEvents(filter: $filter, after: $after) { cursor type guid execution { state } }
}"""
SHUTTING_DOWN = "The gateway is shutting down; connect again"


class Watcher:
    """A client of one WebSocket. Answers nothing, not even pings."""

    def __init__(self, url: str, *, key: str | None = None, buffer: int | None = None) -> None:
        self.socket = RawSocket(url, buffer=buffer).open()
        payload = {} if key is None else {"authorization": f"Bearer {key}"}
        self.socket.send(message("connection_init", payload=payload))
        assert self.read() == {"type": "connection_ack"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.__exit__()

    def send(self, kind: str, **members: Any) -> None:
        """Send a message."""
        self.socket.send(message(kind, **members))

    def subscribe(self, name: str, query: str = EVENTS, **variables: Any) -> None:
        """Ask for an operation."""
        self.send("subscribe", id=name, payload={"query": query, "variables": variables})

    def read(self) -> Any:
        """The next message; frames of the WebSocket itself are passed over."""
        opcode, data = self.socket.read_frame()
        while opcode == PING:
            opcode, data = self.socket.read_frame()
        assert opcode == TEXT, data
        return json.loads(data)

    def event(self, name: str = "1") -> Any:
        """The next message, which is an event of a subscription."""
        told = self.read()
        assert (told["type"], told["id"]) == ("next", name), told
        return told["payload"]["data"]["executionEvents"]

    def error(self, name: str = "1") -> Any:
        """The next message, which is the one error of an operation."""
        told = self.read()
        assert (told["type"], told["id"]) == ("error", name), told
        [error] = told["payload"]
        return error

    def synchronize(self) -> list[Any]:
        """What comes before the answer to a ping of this client."""
        self.send("ping")
        before = []
        while (told := self.read())["type"] != "pong":
            before.append(told)
        return before

    def leave(self) -> None:
        """Close the connection as the protocol wants it."""
        self.socket.send(frame(CLOSE, b"\x03\xe8"))
        assert self.socket.read_close()[0] == 1000


def now(gateway: Gateway) -> str:
    """The cursor of what comes next."""
    cursor: str = gateway.graphql("{ eventCursor }")["eventCursor"]
    return cursor


def value_of(gateway: Gateway, metric: str) -> float:
    """What the metrics of a gateway say, with the labels as they are printed."""
    return value_in(gateway.http.get("/metrics").text, metric)


def value_in(metrics: str, metric: str) -> float:
    """The value of a metric, 0 if there is none."""
    lines = metrics.splitlines()
    return float(next((line.split()[-1] for line in lines if line.startswith(f"{metric} ")), 0))
