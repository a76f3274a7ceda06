"""A request and its response: uvicorn's cycle with shortcuts for complete responses."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from server.http.direct_write import Header, encoded


class Cycle(RequestResponseCycle):
    """Passes a request to an application, and writes its response.

    Has ``write_response``, ``take_body`` and ``is_over`` beside ASGI's ``send`` and ``receive``, as
    described in ``server.http.direct_write`` and ``server.http.presence``.
    """

    # Class attributes, where uvicorn's cycle sets these for each request.
    logger = logging.getLogger("uvicorn.error")
    access_log = disconnected = response_started = response_complete = False
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
        *,
        keep_alive: bool,
        expect_100_continue: bool,
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.on_response = on_response
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.message_event = asyncio.Event()
        self.body = bytearray()

    def write_response(self, status: int, headers: bytes, body: bytes) -> bool:
        """Write a complete response; return False if it must be sent as ASGI messages."""
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
