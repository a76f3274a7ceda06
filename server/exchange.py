"""One HTTP request and its answer, as slight as they can be.

Every request goes through these two, so they hold what ASGI gives and no more: Starlette's own
classes read a header in the time in which a whole execution is found.
"""

from collections.abc import Iterable
from urllib.parse import urlunsplit

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from server.whole_answers import WriteAnswer

OPERATION = "gateway.operation"
"""Where an ASGI scope has the name of the trusted operation that was run."""
Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""


class HttpRequest:
    """A request: its method, its headers, its parameters, and where its body comes from."""

    __slots__ = ("_headers", "method", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        # Of a header that comes twice the first counts.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str | None:
        """A header's value, by its name in lower case; None when it is not there."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> QueryParams:
        """The parameters behind the question mark."""
        return QueryParams(self.scope["query_string"])

    def url(self, query: str) -> str:
        """The URL that the client asked for, with another query."""
        # A proxy may say that it speaks a WebSocket's scheme.
        scheme = "https" if self.scope.get("scheme") in ("https", "wss") else "http"
        host = self.header(b"host")
        if host is None:
            name, port = self.scope["server"]
            host = f"{name}:{port}"
        path: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        return str(urlunsplit((scheme, host, path.decode("latin-1"), query, "")))


class Answer:
    """An answer that is there in one piece; an ASGI application."""

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, body: bytes, headers: Iterable[Header], status: int = 200) -> None:
        self.body = body
        self.headers = [*headers, (b"content-length", b"%d" % len(body))]
        self.status_code = status

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Write it in one step where it goes straight out; else send it as two messages."""
        write: WriteAnswer | None = getattr(send, "write", None)
        if write is not None and write(self.status_code, self.headers, self.body):
            return
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.headers}
        )
        await send({"type": "http.response.body", "body": self.body})
