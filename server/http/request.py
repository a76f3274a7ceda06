"""An HTTP request: what ASGI gives, and no more.

Starlette's own reads a header in the time in which a whole execution is found.
"""

from urllib.parse import urlunsplit

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope


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
