"""The gateway as an ASGI application: Starlette's routes behind the request gate."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Scope

from server.http.guard import Guard
from server.http.request_gate import RequestGate
from server.observability.metrics import Metrics

FindEdge = Callable[[str], ASGIApp | None]
"""Returns the edge of a path, or None if the routes have to be searched."""


class GatewayApplication(Starlette):
    """Starlette with ``RequestGate`` in place of its own middleware.

    ``find_edge`` is a shortcut for paths that the routes answer too.
    """

    def __init__(
        self,
        find_edge: FindEdge,
        guard: Guard,
        metrics: Metrics,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._guard = guard
        self._metrics = metrics
        self._find_edge = find_edge

    def build_middleware_stack(self) -> ASGIApp:
        """Return the request gate, wrapped in the user's middleware."""
        routed = ExceptionMiddleware(self.router, handlers=self.exception_handlers)

        def route(scope: Scope) -> ASGIApp:
            # Mounted below another application's path, the routes strip that path.
            if scope["type"] != "http" or scope.get("root_path"):
                return routed
            return self._find_edge(scope["path"]) or routed

        app: ASGIApp = RequestGate(route, self._guard, self._metrics)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return app
