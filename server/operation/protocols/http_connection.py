"""The life of an HTTP connection: timeouts, and closing without losing a response."""

import asyncio
import enum
import math
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server.http.concurrency import had_slot
from server.http.error_responses import error_on_wire
from server.operation.connections import CONNECTIONS, Connections
from server.operation.protocols.http_cycle import Cycle
from server.operation.protocols.http_head import Head
from server.operation.protocols.lingering import Lingering, LingeringTransport, end_output
from server.operation.protocols.sending import Progress


class Stage(enum.Enum):
    """What the next bytes of a connection belong to."""

    HEAD = enum.auto()
    BODY = enum.auto()
    NEXT = enum.auto()
    """The next request, which waits until this one is answered."""
    NOTHING = enum.auto()
    """Nothing: the connection is about to be closed."""


class Flow(FlowControl):
    """uvicorn's flow control, without reading ahead.

    uvicorn resumes reading whenever an application waits for a disconnect. While ``is_full``,
    nothing is read.
    """

    is_full = False

    def resume_reading(self) -> None:
        """Resume reading, unless the last bytes still wait."""
        if not self.is_full:
            super().resume_reading()


class HttpConnection(HttpToolsProtocol):
    """uvicorn's HTTP connection, with timeouts that ``Connections`` enforces.

    A subclass reads requests: ``_received`` has the bytes that have not been read yet, and
    ``_stage`` says what they belong to.
    """

    head_timeout = 20.0
    """How long the head of a request may take to arrive, in seconds."""

    flow: Flow

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.deadline = math.inf
        self._connections: Connections = app_state.get(CONNECTIONS) or Connections()
        self._stage = Stage.HEAD
        self._received = b""
        self._has_begun = True
        self._head = Head()
        self._lingering: Lingering | None = None
        self._progress = Progress()
        self._has_answered = self._had_slot = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.deadline = self.loop.time() + self.head_timeout
        if not self._connections.add(self, self.loop):
            self._refuse(
                503,
                f"The gateway holds {self._connections.maximum} connections already "
                "(max_open_connections); try again in a moment",
            )
            if not self._connections.turn_away(self):
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        self._connections.discard(self)
        self._received, self._stage = b"", Stage.NOTHING
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection once the running request is answered."""
        self._head.keeps_alive = False
        if isinstance(self.cycle, Cycle):
            self.cycle.is_stopping = True
        super().shutdown()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is running, and no data is unsent."""
        return (
            self._stage is Stage.HEAD or self._lingering is not None
        ) and not self.transport.get_write_buffer_size()

    @property
    def is_dispensable(self) -> bool:
        """Whether all requests on the connection were refused or needed no key."""
        cycle = self.cycle
        if cycle is None or self._had_slot or had_slot(cycle.scope):
            return False
        if not self._has_answered and not cycle.response_started:
            # Its key may not have been checked yet.
            return False
        # The gateway waits for a body only once the key was checked.
        return self._stage is not Stage.BODY or cycle.response_started

    def expire(self) -> None:
        """Close the connection of a client that has exceeded its deadline."""
        if self.transport.get_write_buffer_size():
            # The client is still reading the response; ``has_stalled`` checks whether it goes on.
            return
        if self._stage is Stage.HEAD and self._has_begun:
            self._refuse(408, "The head of a request must arrive sooner")
        else:
            self.drop()

    @property
    def unsent(self) -> int:
        """How many bytes of responses wait for the client, besides those that the system holds."""
        waiting = self.transport.get_write_buffer_size()
        if isinstance(self.cycle, Cycle) and not self.cycle.response_complete:
            # The answer to a request that came before the last answer was read.
            waiting += self.cycle.kept
        return waiting

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether the client has read nothing of a response for so many seconds."""
        return self._progress.has_stalled(self.transport, now, seconds)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.transport.abort()

    def drop(self) -> None:
        """Close the connection while no request is running on it."""
        self.deadline = math.inf
        if self._lingering is None:
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse(self, status: int, message: str, **headers: str) -> None:
        """Answer a request that is not passed on, and close the connection."""
        cycle, stage = self.cycle, self._stage
        self._received, self._stage = b"", Stage.NOTHING
        if stage is Stage.BODY and cycle is not None and cycle.response_started:
            # Never write into a response that has begun.
            self.cycle.keep_alive = False
            self.cycle.transport = self._guarded()
            if cycle.response_complete:
                self._linger()
            return
        if stage is Stage.BODY and cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        if not self.transport.is_closing():
            path = self._head.path.decode("ascii", "replace")
            response = error_on_wire(
                path, status, message, self.server_state.default_headers, **headers
            )
            self.transport.write(response)
            self._linger()

    def _guarded(self) -> Any:
        return LingeringTransport(self.transport, self._linger)

    def _linger(self) -> None:
        if self._lingering is not None or self.transport.is_closing():
            return
        self._received, self._stage = b"", Stage.NOTHING
        self._lingering = Lingering(self.loop.time())
        self.deadline = self._lingering.deadline
        end_output(self.transport)
        self.flow.is_full = False
        self.flow.resume_reading()

    def _throw_away(self, size: int) -> None:
        if self._lingering is None:
            return
        if self._lingering.take(size, self.loop.time()):
            self.deadline = self._lingering.deadline
        else:
            self.transport.abort()
