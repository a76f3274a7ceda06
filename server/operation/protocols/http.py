"""uvicorn's HTTP/1.1 protocol, with one request at a time, and limits on everything.

uvicorn passes whatever arrives to a parser that reads ahead: it limits neither the bytes of a head
nor the requests that wait, and takes the body of a request with an upgrade offer for the next
request. Here the parser gets complete heads only; ``http_framing`` measures bodies, and what
follows a request waits until that is answered.
"""

import asyncio
import math
import urllib.parse
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from server.http.concurrency import had_slot
from server.http.open_stream import OpenStream, StreamListener
from server.operation.protocols.http_connection import HttpConnection, Stage
from server.operation.protocols.http_cycle import Cycle
from server.operation.protocols.http_framing import ChunkedBody, MalformedRequest
from server.operation.protocols.http_head import TooManyHeaders, check_beginning
from server.operation.protocols.stream_connection import StreamConnection

_SHORT_BODY = 65_536
"""The longest unwanted body that is read to keep the connection open, in bytes."""
_MOST_EMPTY_LINES = 4
_ALLOWED = "DELETE, GET, HEAD, OPTIONS, POST, PUT"


class GuardedHttpProtocol(HttpConnection):
    """Serves a connection. Requests that are not unambiguous HTTP/1.1 are refused with 400.

    A head of more than ``max_head_bytes`` is refused with 431 (RFC 6585, section 5), one that takes
    more than ``head_timeout`` seconds with 408 (RFC 9110, section 15.5.9).
    """

    max_head_bytes = 65_536

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._empty_lines = 0
        self._body_left = 0
        self._chunks: ChunkedBody | None = None
        self._described: dict[str, Any] = {}

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Read more, as far as earlier requests are answered."""
        if self._stage is Stage.NOTHING:
            self._throw_away(len(data))
            return
        self._received = self._received + data if self._received else data
        self._read_on()

    def _read_on(self) -> None:
        try:
            while self._received:
                if self._stage is Stage.BODY:
                    self._read_body()
                elif self._stage is not Stage.HEAD or not self._read_head():
                    break
        except TooManyHeaders as error:
            self._refuse(431, str(error))
        except MalformedRequest as error:
            self._refuse(400, f"The request is not valid HTTP: {error}")
        if self._received and self._stage is Stage.NEXT:
            self._let_wait()

    def _let_wait(self) -> None:
        if self.cycle.keep_alive:
            self.flow.pause_reading()
            self.flow.is_full = True
        else:
            # This is the last response, and closing with unread data would reset the connection.
            self._received, self._stage = b"", Stage.NOTHING
            self.cycle.transport = self._guarded()

    def _read_head(self) -> bool:
        received = self._received
        end = self._head.repeated_in(received)
        if end:
            self._received = received[end:]
            self._begin_request()
            return True
        while received.startswith(b"\r\n"):
            # RFC 9112, section 2.2: an empty line before a request is ignored.
            received = received[2:]
            self._empty_lines += 1
            if self._empty_lines > _MOST_EMPTY_LINES:
                raise MalformedRequest("too many empty lines stand before it")
        end = received.find(b"\r\n\r\n") + 4
        if (end if end > 3 else len(received)) > self.max_head_bytes:
            self._refuse(
                431, f"The head of a request must have at most {self.max_head_bytes} bytes"
            )
            return False
        if end < 4:
            self._received = received
            if received not in (b"", b"\r"):
                check_beginning(received)
                self._wait_for_head()
            return False
        head, self._received = received[:end], received[end:]
        self._head.read(head)
        self._described = self._description()
        self._begin_request()
        return True

    def _wait_for_head(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self.deadline = self.loop.time() + self.head_timeout

    def _begin_request(self) -> None:
        head = self._head
        length = head.length
        self._empty_lines = 0
        if head.method == b"CONNECT":
            self._refuse(405, "The gateway is no proxy; CONNECT is not allowed", allow=_ALLOWED)
            return
        self.deadline = math.inf
        self.url, self.headers = head.target, head.headers.copy()
        # Applications may change their scope.
        self.scope = scope = self._described.copy()  # type: ignore[assignment]
        scope["headers"], scope["state"] = self.headers, self.app_state.copy()
        if length == 0 and head.offers_upgrade and self._is_websocket():
            self._hand_over()
            return
        # Any other offer of an upgrade is ignored (RFC 9110, section 7.8).
        self.cycle = cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.on_response_complete,
            self._become_stream,
            keep_alive=head.keeps_alive,
            expect_100_continue=head.fields.get(b"expect", b"").lower() == b"100-continue",
        )
        if length is not None and length <= len(self._received):
            body, self._received = self._received[:length], self._received[length:]
            if body:
                head.pass_over(body)
                cycle.body += body
            self._stage = Stage.NEXT
            cycle.more_body = False
            cycle.message_event.set()
        else:
            head.forget()
            self._expect_body(cycle, length)
        self._start_asgi_task(cycle, self.app)

    def _description(self) -> dict[str, Any]:
        """Return the part of the scope that is the same for every request with this head."""
        head = self._head
        path = head.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": head.version.decode(),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": head.method.decode("ascii"),
            "root_path": self.root_path,
            "path": self.root_path + (urllib.parse.unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + head.path,
            "query_string": head.query,
        }

    def _is_websocket(self) -> bool:
        # RFC 6455, section 4.1.
        if self._head.method != b"GET" or self._head.version != b"1.1":
            return False
        return any(
            name == b"upgrade" and value.strip(b" \t").lower() == b"websocket"
            for name, value in self.headers
        )

    def _hand_over(self) -> None:
        if self._received:
            raise MalformedRequest("a WebSocket begins once its handshake is answered")
        self._stage = Stage.NOTHING
        self._connections.discard(self)
        self.connections.discard(self)
        head = self._head
        lines = [b"%b %b HTTP/1.1" % (head.method, head.target)]
        lines += [b"%b: %b" % header for header in self.headers]
        protocol = self.ws_protocol_class(  # type: ignore[call-arg, misc]
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        # uvicorn does this last, but the handshake may be refused and yet another take over.
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(b"\r\n".join(lines) + b"\r\n\r\n")
        # It refers to this object, which would wait for the garbage collector.
        del self.parser

    def _become_stream(self, head: bytes, listener: StreamListener) -> OpenStream:
        """Leave the connection to a response that stays open, and begin it."""
        stream = StreamConnection(
            self.transport,
            listener,
            self._connections,
            self.server_state,
            is_chunked=self._head.version == b"1.1",
            is_paused=self.flow.write_paused,
        )
        self.server_state.total_requests += 1
        self.connections.discard(self)
        self._connections.discard(self)
        self._received, self._stage = b"", Stage.NOTHING
        self.flow.is_full = False
        self.flow.resume_reading()
        stream.begin(head)
        if cast("Cycle", self.cycle).is_stopping:
            self.loop.call_soon(stream.shutdown)
        # Nothing of this object is needed any more; references in a circle would keep it for long.
        self._head.forget()
        self.cycle = self.parser = None  # type: ignore[assignment]
        return stream

    # Bodies

    def _expect_body(self, cycle: RequestResponseCycle, length: int | None) -> None:
        self._stage = Stage.BODY
        self._body_left = length or 0
        self._chunks = ChunkedBody() if length is None else None
        # Until the body is complete. A response before that closes the connection, unless the
        # rest of the body is short.
        is_short = length is not None and length <= _SHORT_BODY
        if not is_short or cycle.waiting_for_100_continue:
            cycle.keep_alive = False
        cycle.transport = self._guarded()

    def _read_body(self) -> None:
        if self._chunks is not None:
            body = self._chunks.feed(self._received)
            is_complete = self._chunks.is_complete
            self._received = self._chunks.rest if is_complete else b""
        else:
            body = self._received[: self._body_left]
            self._received = self._received[self._body_left :]
            self._body_left -= len(body)
            is_complete = not self._body_left
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
        if is_complete:
            self._end_body(cycle)
        cycle.message_event.set()

    def _end_body(self, cycle: RequestResponseCycle) -> None:
        self._chunks = None
        if cycle.response_complete:
            # The request was answered without its body; the next bytes are another request.
            self._stage = Stage.HEAD
            return
        self._stage = Stage.NEXT
        cycle.more_body = False
        if not cycle.response_started:
            cycle.keep_alive = self._head.keeps_alive
            cycle.transport = self.transport

    # Answers

    def on_response_complete(self) -> None:
        """Wait for the next request, or go on with one that has arrived already."""
        self.server_state.total_requests += 1
        self._has_answered = True
        self._had_slot = self._had_slot or had_slot(self.scope)
        if self._stage is Stage.NOTHING or self.transport.is_closing():
            return
        self.deadline = self.loop.time() + self.timeout_keep_alive
        self._has_begun = self.flow.is_full = False
        if self._stage is Stage.NEXT:
            self._stage = Stage.HEAD
        if self._received:
            self._read_on()
        self.flow.resume_reading()
