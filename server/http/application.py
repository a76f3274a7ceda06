"""The gateway as an ASGI application: Starlette's routes behind one entrance."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Scope

from server.http.guard import Guard
from server.http.request_gate import RequestGate
from server.observability.metrics import Metrics

FindEdge = Callable[[str], ASGIApp | None]
"""The edge that answers a path, where it is known without a look through all routes."""


class GatewayApplication(Starlette):
    """Starlette, with ``RequestGate`` in place of its own middleware.

    ``find_edge`` is a shortcut to what the routes answer too.
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
        """What answers: the entrance, behind whatever middleware was asked for."""
        routed = ExceptionMiddleware(self.router, handlers=self.exception_handlers)

        def route(scope: Scope) -> ASGIApp:
            # Below another application's path the routes work out what is left of it.
            if scope["type"] != "http" or scope.get("root_path"):
                return routed
            return self._find_edge(scope["path"]) or routed

        app: ASGIApp = RequestGate(route, self._guard, self._metrics)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return app
