"""uvicorn's WebSocket protocol, with limits on memory and work for each connection.

uvicorn parses whatever arrives at once, answers pings of clients that read nothing, closes only
connections whose clients cooperate, and leaves invalid handshakes unanswered. This protocol reads a
connection only as far as its messages are taken and answered, in small parts, and lets other tasks
run in between.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from server.graphql.websocket.close_codes import CloseCode, shortened
from server.operation.protocols.websocket_ending import WebSocketEnding
from server.operation.protocols.websocket_handshake import error_response, handshake_error

_MOST_FRAGMENTS = 1024
_MOST_BYTES_UNADMITTED = 65_536
_FRAMES_AT_ONCE = 256
# A frame has at least six bytes, so a part has at most about as many frames as _FRAMES_AT_ONCE.
_PART = 1536
_VERSION = "13"


class GracefulWebSocketProtocol(WebSocketEnding):
    """Serves a WebSocket, which the application closes when the server stops.

    uvicorn's own closes it at once, whatever is running on it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._sending = asyncio.Lock()
        self._received = b""
        self._parsed = 0
        self._unadmitted_bytes = 0
        self._next_turn: asyncio.Handle | None = None
        self._is_over = False

    # The connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._received, self.frames = b"", []
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Tell the application that the server is stopping."""
        if self.close_sent or self.transport.is_closing():
            self.stop_keepalive()
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            self.transport.close()
        elif self.handshake_complete:
            self._lifeline.stopping.set()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "The gateway is shutting down")

    # The handshake

    def _shake_hands(self, head: bytes) -> None:
        self.conn.receive_data(head)
        events = self.conn.events_received()
        if not events:
            self._refuse(*handshake_error(self.conn.handshake_exc))
            return
        request = cast("Request", events[0])
        versions = request.headers.get_all("Sec-WebSocket-Version")
        if request.method == "GET" and versions != [_VERSION]:
            message = f"Sec-WebSocket-Version must be {_VERSION}"
            headers = (("sec-websocket-version", _VERSION), ("upgrade", "websocket"))
            self._refuse(HTTPStatus.UPGRADE_REQUIRED, message, *headers)
            return
        self.handle_connect(request)

    def _refuse(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        self.handshake_complete = self.close_sent = True
        self.transport.write(error_response(status, message, *headers))
        self._end()

    def send_500_response(self) -> None:
        """Report that the application has failed."""
        if self.handshake_complete:
            self._close(CloseCode.INTERNAL_ERROR, "Internal server error")
        elif self.initial_response is None:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Read the handshake, or as many frames as can be handled now."""
        if self._is_over:
            return
        if not self.handshake_initiated:
            self._shake_hands(data)
            return
        self._received = self._received[self._parsed :] + data
        self._parsed = 0
        self._advance()

    @property
    def _is_blocked(self) -> bool:
        """Whether a message waits for the application, or data is unsent."""
        if self.close_sent:
            return False
        return not (self.handshake_complete and self.queue.empty() and self.writable.is_set())

    def _advance(self) -> None:
        """Parse what has arrived as far as possible, and resume reading once all is parsed."""
        frames = 0
        while not self._is_over and self._parsed < len(self._received) and not self._is_blocked:
            if frames >= _FRAMES_AT_ONCE:
                self._take_turns()
                break
            part = self._received[self._parsed : self._parsed + _PART]
            self._parsed += len(part)
            self.conn.receive_data(part)
            frames += len(self.conn.events)
            self.handle_events()
            if self.conn.parser_exc is not None:
                self.handle_parser_exception()
            self._count(len(part))
        if self._parsed >= len(self._received):
            self._received, self._parsed = b"", 0
        if self._received or self._is_blocked:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _take_turns(self) -> None:
        if self._next_turn is None:
            self._next_turn = self.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._next_turn = None
        self._advance()

    def _count(self, size: int) -> None:
        if self._lifeline.is_admitted or self.close_sent:
            return
        self._unadmitted_bytes += size
        if self._unadmitted_bytes > _MOST_BYTES_UNADMITTED:
            self._fail(
                CloseCode.POLICY_VIOLATION,
                f"At most {_MOST_BYTES_UNADMITTED} bytes are taken before the acknowledgement",
            )

    def handle_cont(self, event: Frame) -> None:
        """Add a fragment to the current message, up to the limit."""
        if self.close_sent:
            return
        if len(self.frames) >= _MOST_FRAGMENTS:
            message = f"A message must have at most {_MOST_FRAGMENTS} fragments"
            self._fail(CloseCode.POLICY_VIOLATION, message)
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Send the pong, unless the connection is closing."""
        answer = b"".join(self.conn.data_to_send())
        if not self.close_sent:
            self.transport.write(answer)

    def send_receive_event_to_app(self) -> None:
        """Pass a message to the application, and parse no more until it is taken."""
        data, self.frames = b"".join(self.frames), []
        if self.close_sent:
            return
        event: ASGIReceiveEvent = {"type": "websocket.receive", "bytes": data}
        if self.curr_msg_data_type == "text":
            try:
                event = {"type": "websocket.receive", "text": data.decode()}
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "A text message must be UTF-8")
                return
        self.queue.put_nowait(event)

    async def receive(self) -> ASGIReceiveEvent:
        """Wait for the next event."""
        message = await self.queue.get()
        self._advance()
        return message

    # What goes out

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read."""
        super().pause_writing()
        self._advance()

    def resume_writing(self) -> None:
        """Resume reading."""
        super().resume_writing()
        self._advance()

    async def send(self, message: ASGISendEvent) -> None:
        """Send one message at a time, once the client has read those before it.

        Closing does not wait. Raises ClientDisconnected if the connection is closed.
        """
        if message["type"] == "websocket.close" and self.handshake_complete:
            self._close(message.get("code", 1000), message.get("reason") or "")
            return
        async with self._sending:
            await self.writable.wait()
            if self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            self.transport.timeout = self._lifeline.send_timeout
            await super().send(message)
        if self.close_sent:
            # A refused handshake is complete.
            self.handshake_complete = True
        self._advance()

    def _close(self, code: int, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, shortened(reason))
        except InvalidState:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._wait_for_close()
        self._advance()

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, shortened(reason))
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Report invalid input to the application and the client, and read no more."""
        if self._is_over:
            return
        told = self.conn.close_sent
        code, reason = (told.code, told.reason) if told else (CloseCode.INTERNAL_ERROR, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._end()

    def _end(self) -> None:
        """End the output, and discard what the client still sends.

        Closing with unread data would reset the connection and lose the close frame.
        """
        self._is_over = True
        self._received, self._parsed, self.frames = b"", 0, []
        self.transport.write_eof()
        self.transport.resume_reading()
        self._wait_for_close()
