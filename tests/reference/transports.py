"""Every way in which a client can send an operation, each answering with the body of its result."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from uvicorn.protocols.websockets import websockets_sansio_impl
from websockets.sync import connection
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.gateway import Gateway

PROTOCOL = "graphql-transport-ws"


class Transports:
    """Sends operations to a gateway."""

    def __init__(self, gateway: Gateway, socket: ClientConnection) -> None:
        self._http = gateway.http
        self._socket = socket
        self._sent = 0

    def by_get(self, body: dict[str, Any]) -> bytes:
        """GET takes queries alone; a document whose first operation may be no query is posted."""
        if not body["operationName"] and "mutation" in body["query"]:
            return self._http.post("/graphql", json=body).content
        name = {"operationName": body["operationName"]} if body["operationName"] else {}
        parameters = {"query": body["query"], "variables": json.dumps(body["variables"]), **name}
        return self._http.get("/graphql", params=parameters).content

    def in_batch(self, body: dict[str, Any]) -> bytes:
        both = self._http.post("/graphql", json=[body, body]).content
        [first, second] = orjson.loads(both)
        assert first == second
        one = both[1 : len(both) // 2]
        assert both == b"[%b,%b]" % (one, one)
        return one

    def as_event(self, body: dict[str, Any]) -> bytes:
        headers = {"accept": "text/event-stream"}
        events = self._http.post("/graphql", json=body, headers=headers).content
        return events.split(b"\n")[1].removeprefix(b"data: ")

    def by_socket(self, body: dict[str, Any]) -> bytes:
        self._sent += 1
        message = {"id": str(self._sent), "type": "subscribe", "payload": body}
        self._socket.send(json.dumps(message))
        told = orjson.loads(self._socket.recv())
        if told["type"] == "error":
            return orjson.dumps({"errors": told["payload"]})
        assert told["type"] == "next"
        assert json.loads(self._socket.recv())["type"] == "complete"
        return orjson.dumps(told["payload"])


@contextmanager
def transports_of(gateway: Gateway) -> Iterator[Transports]:
    """The transports of a gateway until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        # Pings, from both sides, draw numbers from the generator that Hypothesis watches.
        for module in (websockets_sansio_impl, connection):
            patch.setattr(module, "random", random.Random())
        url = gateway.url.replace("http", "ws") + "/graphql"
        with connect(url, subprotocols=[Subprotocol(PROTOCOL)]) as socket:
            socket.send('{"type": "connection_init"}')
            assert json.loads(socket.recv()) == {"type": "connection_ack"}
            yield Transports(gateway, socket)
