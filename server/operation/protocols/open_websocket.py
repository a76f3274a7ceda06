"""An open WebSocket, with limits on memory and work for each connection.

It reads a connection only as far as its messages are taken and answered, and lets other tasks run
in between. While it is idle it holds neither a task nor a timer nor a buffer.
"""

import asyncio
import math
import socket
from collections.abc import Sequence
from typing import Any

from websockets.frames import Opcode

from server.graphql.subscriptions.sink import EventMessage
from server.graphql.websocket.close_codes import CloseCode, shortened
from server.graphql.websocket.wire import Conversation
from server.operation.protocols.sending import Progress
from server.operation.protocols.watched_transport import WatchedTransport
from server.operation.protocols.websocket_ending import EndingWebSocket, Surroundings
from server.operation.protocols.websocket_frames import (
    Arrived,
    FrameReader,
    InvalidFrame,
    close_frame,
    frame,
)

_MOST_BYTES_UNADMITTED = 65_536
_FRAMES_AT_ONCE = 256
_SYSTEM_BUFFER = 65_536
"""How many bytes the system holds; Linux doubles it. By itself it takes up to 4 MiB."""
_PING = frame(Opcode.PING, b"")


class OpenWebSocket(asyncio.Protocol):
    """The ``Wire`` of a conversation, from the accepted handshake to the closing frame."""

    __slots__ = (
        "_conversation",
        "_is_admitted",
        "_is_full",
        "_is_limited",
        "_is_stopping",
        "_next_turn",
        "_pinged_at",
        "_progress",
        "_read_at_ping",
        "_reader",
        "_surroundings",
        "_unadmitted_bytes",
        "is_over",
        "transport",
    )

    deadline = math.inf

    def __init__(
        self,
        transport: WatchedTransport,
        conversation: Conversation,
        surroundings: Surroundings,
        received: bytes,
    ) -> None:
        self.transport = transport
        self.is_over = False
        self._conversation = conversation
        self._surroundings = surroundings
        self._is_admitted = self._is_full = False
        self._is_limited = self._is_stopping = False
        self._unadmitted_bytes = 0
        self._reader: FrameReader | None = None
        self._next_turn: asyncio.Handle | None = None
        self._pinged_at: float | None = None
        self._read_at_ping = 0
        self._progress: Progress | None = None
        surroundings.connections.add(self)
        surroundings.heartbeats.add(self)
        transport.set_protocol(self)
        conversation.begin(self)
        if received:
            self.data_received(received)
        elif not self.is_over:
            transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it ends either way
        """Release everything."""
        self.transport.stop()
        self._surroundings.connections.discard(self)
        self._surroundings.closing.discard(self)
        self._release()

    def shutdown(self) -> None:
        """Tell the application that the server is stopping."""
        self._is_stopping = True
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self._conversation.stop()

    def _release(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._surroundings.heartbeats.discard(self)
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._reader = None
        self._conversation.end()

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Read as many frames as can be handled now."""
        if self.is_over:
            return
        self._pinged_at = None
        if self._reader is None:
            self._reader = FrameReader(self._surroundings.max_size)
        self._reader.feed(data)
        if not self._is_admitted:
            self._unadmitted_bytes += len(data)
        self.read_on()
        if not self._is_admitted and self._unadmitted_bytes > _MOST_BYTES_UNADMITTED:
            message = f"At most {_MOST_BYTES_UNADMITTED} bytes are taken before the acknowledgement"
            self.close(CloseCode.POLICY_VIOLATION, message)

    def read_on(self) -> None:
        """Read what has arrived as far as possible, and resume reading once all is read."""
        if self.is_over or self._next_turn is not None:
            return
        if self._reader is not None:
            try:
                self._read(self._reader)
            except InvalidFrame as error:
                self.close(error.code, error.reason)
        if self.is_over:
            return
        if self._is_blocked or self._next_turn is not None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _read(self, reader: FrameReader) -> None:
        for _ in range(_FRAMES_AT_ONCE):
            if self._is_blocked or (arrived := reader.read()) is None:
                break
            self._take(arrived)
            if self.is_over:
                return
        else:
            self._next_turn = self._surroundings.loop.call_soon(self._take_turn)
        if reader.is_idle:
            self._reader = None

    @property
    def _is_blocked(self) -> bool:
        """Whether a message waits for the application, or data for the client."""
        return self._is_full or self._conversation.is_busy

    def _take_turn(self) -> None:
        self._next_turn = None
        self.read_on()

    def _take(self, arrived: Arrived) -> None:
        opcode, data = arrived
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._conversation.take(data)
        elif isinstance(data, str):
            raise TypeError(opcode)
        elif opcode is Opcode.PING:
            self.transport.write(frame(Opcode.PONG, data))
        elif opcode is Opcode.CLOSE:
            self.transport.write(frame(Opcode.CLOSE, data))
            self._release()
            self.transport.close()

    # What goes out

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read, and count what it leaves unread."""
        self._is_full = True
        self._surroundings.closing.watch(self)
        if not self.is_over:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on writing and reading."""
        self._is_full, self._progress = False, None
        # No ping was sent meanwhile, and the answer to an earlier one was not read.
        self._pinged_at = None
        self._surroundings.closing.watch_no_more(self)
        if self.is_over:
            return
        self._conversation.resume_writing()
        self.read_on()

    @property
    def is_writable(self) -> bool:
        """Whether the client has read enough for more to be written."""
        return not self._is_full

    def admit(self, send_timeout: float) -> None:
        """Note that the client is authenticated."""
        self._is_admitted = True
        self.transport.timeout = send_timeout

    def limit_unread(self) -> None:
        """Let the system hold little that the client has not read."""
        if not self._is_limited and not self.is_over:
            self._is_limited = True
            found = self.transport.get_extra_info("socket")
            if found is not None:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER)

    def write(self, text: bytes) -> bool:
        """Write a message without waiting; return ``is_writable``."""
        if self.is_over:
            return False
        self.transport.write(frame(Opcode.TEXT, text))
        return not self._is_full

    def write_events(self, prefix: bytes, messages: Sequence[EventMessage]) -> bool:
        """Write a message for each event, all at once; return ``is_writable``."""
        if self.is_over:
            return False
        self.transport.write(self._surroundings.event_frames.framed(prefix, messages))
        return not self._is_full

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was written. Idempotent."""
        if self.is_over:
            return
        self._release()
        if not self.transport.is_closing():
            self._surroundings.connections.discard(self)
            self._surroundings.closing.watch_no_more(self)
            self.transport.write(close_frame(code, shortened(reason)))
            EndingWebSocket(self.transport, self._surroundings, is_stopping=self._is_stopping)

    def track(self, task: asyncio.Task[Any]) -> None:
        """Let the server's shutdown wait for a task."""
        self._surroundings.tasks.add(task)
        task.add_done_callback(self._surroundings.tasks.discard)

    def beat(self) -> None:
        """Ask the client for a sign of life, and drop one that has not given any."""
        now = self._surroundings.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if self._pinged_at is None:
            self._pinged_at, self._read_at_ping = now, self.transport.read
        elif now - self._pinged_at >= self._surroundings.ping_timeout:
            if unsent and self.transport.read > self._read_at_ping:
                # It is still reading older data.
                self._pinged_at, self._read_at_ping = now, self.transport.read
            elif unsent:
                self.transport.abort()
                return
            elif not self._conversation.is_busy:
                # Otherwise nothing was read from it. It may have been asleep, and graphql-ws does
                # not connect again after 1011.
                self.close(CloseCode.TRY_AGAIN_LATER, "keepalive ping timeout")
                return
        if not self._is_full:
            self.transport.write(_PING)
            self._conversation.beat()

    # As a connection among others, while data waits for the client

    @property
    def is_waiting(self) -> bool:
        """Whether it may be dropped to make room for others."""
        return False

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be dropped although it is not waiting."""
        return False

    @property
    def unsent(self) -> int:
        """How many bytes of responses wait for the client, besides those that the system holds."""
        return self.transport.get_write_buffer_size()

    def expire(self) -> None:
        """Do nothing: it has no deadline."""

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether the client has read nothing of the unsent data for so many seconds."""
        if self._progress is None:
            self._progress = Progress()
        return self._progress.has_stalled(self.transport, now, seconds)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.transport.abort()

    def drop(self) -> None:
        """Close the connection at once."""
        self.transport.abort()
