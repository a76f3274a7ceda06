"""A bound on the requests that are worked on at once: those above it are refused at once.

Requests that pile up would all be slow, and time out one after the other.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from server.refusals import refusal_for_path

_RETRY_AFTER_SECONDS = "1"
_ALWAYS_ANSWERED = ("/healthz", "/readyz", "/metrics")


class ConcurrencyLimit:
    """Answers 503 with ``Retry-After`` while ``maximum`` requests are under way."""

    def __init__(self, app: ASGIApp, maximum: int) -> None:
        self._app = app
        self._maximum = maximum
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._maximum:
            response = refusal_for_path(
                scope["path"],
                503,
                "SERVICE_UNAVAILABLE",
                f"The gateway works on {self._maximum} requests already "
                "(max_concurrent_requests); try again in a moment",
            )
            response.headers["retry-after"] = _RETRY_AFTER_SECONDS
            await response(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
