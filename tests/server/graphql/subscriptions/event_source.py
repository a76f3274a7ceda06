"""A client of event streams, which reads them as the HTML standard says (section 9.2.6)."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.gateway import Gateway
from tests.places import Place, SQLitePlace
from tests.plain_http import NO_TLS

EVENTS = """subscription ($filter: ExecutionFilter, $after: String) {
  executionEvents(filter: $filter, after: $after) {
    cursor type matches guid previousState execution { guid state }
  }
}"""

_PATIENCE = 60.0


@dataclass
class Block:
    """What stands between two empty lines. ``name`` is None without an ``event`` line."""

    name: str | None = None
    data: str | None = None
    id: str | None = None
    retry: int | None = None
    comments: list[str] = field(default_factory=list)

    @property
    def payload(self) -> Any:
        """The response that an event carries."""
        assert self.name == "next", self
        assert self.data is not None
        return json.loads(self.data)

    @property
    def event(self) -> Any:
        """What an event tells of an execution."""
        return self.payload["data"]["executionEvents"]

    @property
    def code(self) -> str:
        """The code of the error that an event carries."""
        [error] = self.payload["errors"]
        return str(error["extensions"]["code"])


class EventSource:
    """An open stream; ``last_id`` is with what a browser would resume."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.iter_lines()

    def blocks(self) -> Iterator[Block]:
        """Everything that comes until the stream ends."""
        block, until = Block(), time.monotonic() + _PATIENCE
        for line in self._lines:
            assert time.monotonic() < until, "it did not come"
            if not line:
                if block.id is not None:
                    self.last_id = block.id
                yield block
                block = Block()
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "":
                    block.comments.append(value)
                case "event":
                    block.name = value
                case "data":
                    assert block.data is None, "JSON needs one line"
                    block.data = value
                case "id":
                    block.id = value
                case "retry":
                    block.retry = int(value)
                case _:
                    raise AssertionError(line)
        assert block == Block(), "the stream ends within a block"

    def next(self) -> Block:
        """The next block with an event."""
        return next(block for block in self.blocks() if block.name is not None)

    def widen(self) -> None:
        """Receive in large pieces from here on, whatever the ``receive_buffer`` was."""
        its = self.response.extensions["network_stream"].get_extra_info("socket")
        its.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        # The window stays below what the first buffer allowed otherwise.
        its.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 1 << 20)

    def next_position(self) -> str:
        """The id of the next block that has no event."""
        found = next(block.id for block in self.blocks() if block.name is None)
        assert found
        return found

    def take(self, count: int) -> list[Any]:
        """What the next events tell."""
        return [self.next().event for _ in range(count)]

    def to_the_end(self) -> list[Block]:
        """All that is left, of a stream that ends."""
        return list(self.blocks())


@contextlib.contextmanager
def subscribed(
    gateway: Gateway | str,
    query: str = EVENTS,
    *,
    method: str = "POST",
    last_id: str | None = None,
    headers: dict[str, str] | None = None,
    receive_buffer: int | None = None,
    **variables: Any,
) -> Iterator[EventSource]:
    """A stream for a subscription, which the gateway has begun.

    A client with a small ``receive_buffer`` gets little more than a test reads.
    """
    url = gateway if isinstance(gateway, str) else gateway.url
    sent = {"accept": "text/event-stream", **(headers or {})}
    if last_id is not None:
        sent["last-event-id"] = last_id
    body: dict[str, Any] = {"query": query, "variables": variables}
    asked: dict[str, Any] = {"json": body}
    if method != "POST":
        asked = {"params": {"query": query, "variables": json.dumps(variables)}}
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)] if receive_buffer else None
    transport = httpx.HTTPTransport(verify=NO_TLS, socket_options=options)
    with (
        httpx.Client(timeout=60, transport=transport) as client,
        client.stream(method, f"{url}/graphql", headers=sent, **asked) as response,
    ):
        yield EventSource(response)


def forget_events(place: Place) -> None:
    """Leave only the newest event in the log, as time does; cursors of older ones expire."""
    table = "execution_events"
    if not isinstance(place, SQLitePlace):
        table = "event_ticks"
        # Where nobody watches, the newest event has none yet.
        place.run("SELECT gateway_tick()", [()])
    place.run(f"DELETE FROM {table} WHERE id < (SELECT max(id) FROM {table})", [()])
