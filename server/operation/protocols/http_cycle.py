"""A request and its response: uvicorn's cycle with shortcuts for complete responses."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from server.http.direct_write import Header, encoded
from server.http.open_stream import OpenStream, StreamListener


class Cycle(RequestResponseCycle):
    """Passes a request to an application, and writes its response.

    Has ``write_response``, ``open_stream``, ``take_body`` and ``is_over`` beside ASGI's ``send``
    and ``receive``, as ``direct_write``, ``open_stream`` and ``presence`` of ``server.http``
    describe them. ``on_stream`` takes the connection over for a response that stays open, given
    its status line and headers.
    """

    # Class attributes, where uvicorn's cycle sets these for each request.
    logger = logging.getLogger("uvicorn.error")
    access_log = disconnected = response_started = response_complete = False
    kept = 0
    """How many bytes of a complete response wait in ``send`` until the client has read another."""
    is_stopping = False
    """Whether the server is stopping; a request that can end early should."""
    more_body = True
    chunked_encoding = None
    expected_content_length = 0

    def __init__(
        self,
        scope: Any,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[Header],
        on_response: Callable[[], None],
        on_stream: Callable[[bytes, StreamListener], OpenStream],
        *,
        keep_alive: bool,
        expect_100_continue: bool,
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.on_response = on_response
        self.on_stream = on_stream
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.message_event = asyncio.Event()
        self.body = bytearray()

    def write_response(self, status: int, headers: bytes, body: bytes) -> bool:
        """Write a complete response; return False if it must be sent as ASGI messages."""
        if self.flow.write_paused:
            self.kept = len(body)
        if (
            self.response_started
            or self.disconnected
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        ):
            return False
        defaults = encoded(tuple(self.default_headers))
        if defaults is None:
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        head = b"%b%b%bcontent-length: %d\r\n%b\r\n" % (
            STATUS_LINE[status],
            defaults,
            headers,
            len(body),
            b"" if self.keep_alive else b"connection: close\r\n",
        )
        self.transport.writelines((head, body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True

    def open_stream(self, headers: bytes, listener: StreamListener) -> OpenStream | None:
        """Begin a response that stays open; return None if the client has gone."""
        defaults = encoded(tuple(self.default_headers))
        if self.disconnected or self.response_started or defaults is None:
            return None
        self.response_started = self.response_complete = True
        return self.on_stream(b"%b%b%b" % (STATUS_LINE[200], defaults, headers), listener)

    def is_over(self) -> bool:
        """Whether the client has gone or the server is stopping."""
        return self.disconnected or self.is_stopping

    def take_body(self) -> bytes | None:
        """Return the whole body, if it has arrived; ``receive`` then waits for a disconnect."""
        if (
            self.more_body
            or self.disconnected
            or self.response_complete
            or self.waiting_for_100_continue
            or self.flow.read_paused
        ):
            return None
        body = bytes(self.body)
        self.body = bytearray()
        self.message_event.clear()
        return body
