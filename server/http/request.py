"""A minimal HTTP request over an ASGI scope.

Reading a header with Starlette's takes as long as finding an execution.
"""

from urllib.parse import urlunsplit

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope


class HttpRequest:
    """A request: its method, headers, parameters, and the source of its body."""

    __slots__ = ("_headers", "method", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        # Of a repeated header the first one counts.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str | None:
        """Return a header's value, by its name in lower case, or None if it is missing."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> QueryParams:
        """The query parameters."""
        return QueryParams(self.scope["query_string"])

    def url(self, query: str) -> str:
        """Return the URL that the client requested, with another query."""
        # A proxy may report a WebSocket's scheme.
        scheme = "https" if self.scope.get("scheme") in ("https", "wss") else "http"
        host = self.header(b"host")
        if host is None:
            name, port = self.scope["server"]
            host = f"{name}:{port}"
        path: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        return str(urlunsplit((scheme, host, path.decode("latin-1"), query, "")))
