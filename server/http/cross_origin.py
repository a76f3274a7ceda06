"""Cross-origin requests: what pages of other origins may send and read (CORS)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.http.direct_write import Header, encoded, writer_for
from server.http.open_stream import OpenStream, StreamListener, open_stream
from server.http.origins import Origins

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
EXPOSED = (
    "accept-encoding",
    "allow",
    "content-disposition",
    "link",
    "retry-after",
    "www-authenticate",
    "x-request-id",
    "x-total-count",
)
"""Response headers that a page may read."""
SENT_BY_CLIENTS = (
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "content-encoding",
    "content-type",
    "elastic-apm-traceparent",
    "graphql-client-name",
    "graphql-client-version",
    "graphql-cost",
    "graphql-require-preflight",
    "idempotency-key",
    "if-modified-since",
    "if-none-match",
    "last-event-id",
    "newrelic",
    "pragma",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-apollo-operation-type",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-client-version",
    "x-csrf-token",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    "x-graphql-client-name",
    "x-graphql-client-version",
    "x-graphql-event-stream-token",
    "x-operation-name",
    "x-request-id",
    "x-requested-with",
    "x-xsrf-token",
)
"""Headers that GraphQL clients, HTTP libraries and tracers of browsers add to requests."""
_PREFLIGHT_SECONDS = 7200
"""How long a browser may cache a preflight: the longest that Chromium allows."""


class CrossOrigin(CORSMiddleware):
    """Lets pages of ``origins`` call the gateway, with the usual headers and ``headers``.

    Answers preflights itself, and says in every other response, errors included, which origin may
    read it. Complete responses are still written to the connection in one call.
    """

    def __init__(self, app: ASGIApp, origins: Origins, headers: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=["*"] if origins.allow_any else (),
            allow_methods=METHODS,
            allow_headers=(*SENT_BY_CLIENTS, *headers),
            allow_private_network=True,
            expose_headers=EXPOSED,
            max_age=_PREFLIGHT_SECONDS,
        )
        self._origins = origins
        self._exposed = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether an origin is one of the allowed ones."""
        return self._origins.allow(origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await super().__call__(scope, receive, send)
            return
        await self.app(scope, receive, _HeaderAdder(send, self._headers(scope)).send)

    def _headers(self, scope: Scope) -> tuple[Header, ...]:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if self._origins.allow_any:
            return ((b"access-control-allow-origin", b"*"), self._exposed) if origin else ()
        if origin is None or not self._origins.allow(origin.decode("latin-1")):
            return ((b"vary", b"Origin"),)
        return ((b"access-control-allow-origin", origin), self._exposed, (b"vary", b"Origin"))


class _HeaderAdder:
    """Adds headers to a response, whether it is sent, written at once, or stays open."""

    __slots__ = ("_headers", "_send", "_write")

    def __init__(self, send: Send, headers: tuple[Header, ...]) -> None:
        self._send = send
        self._headers = headers
        self._write = writer_for(send)

    async def send(self, message: Message) -> None:
        """Send a message of ASGI."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)

    def write_response(self, status: int, headers: bytes, body: bytes) -> bool:
        """Write a complete response; return whether that was possible."""
        more = encoded(self._headers)
        if self._write is None or more is None:
            return False
        return self._write(status, headers + more, body)

    def open_stream(self, headers: bytes, listener: StreamListener) -> OpenStream | None:
        """Begin a response that stays open; return None if the client has gone."""
        return open_stream(self._send, headers + (encoded(self._headers) or b""), listener)
