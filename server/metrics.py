"""What the gateway counts and times, as Prometheus text at ``/metrics``.

Labels have few values, whatever clients send, so that nobody can make the metrics grow.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Observe = Callable[[float], None]


class Metrics:
    """The metrics of one gateway. ``rest_path`` is where its REST routes begin."""

    def __init__(self, rest_path: str) -> None:
        self._rest_path = rest_path
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gateway_requests",
            "Requests that were answered.",
            ["edge", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gateway_request_seconds",
            "How long requests took until their answer was sent, in seconds.",
            ["edge"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "gateway_requests_refused",
            "Requests that were refused because as many were under way as may be.",
            registry=self.registry,
        )
        self._kept: dict[tuple[str, str, int], tuple[Callable[[], None], Observe]] = {}

    def observe(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered. A status of 0 says that it never was."""
        key = (self._edge(path), method if method in _METHODS else "other", status)
        kept = self._kept.get(key)
        if kept is None:
            edge, method, _ = key
            counter = self._requests.labels(edge, method, str(status))
            kept = self._kept[key] = (counter.inc, self._seconds.labels(edge).observe)
        count, observe = kept
        count()
        observe(seconds)

    def refused(self) -> None:
        """Count a request that was refused."""
        self._refused.inc()

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a value as it is when the metrics are asked for."""
        Gauge(name, description, registry=self.registry).set_function(value)

    def _edge(self, path: str) -> str:
        if path in ("/graphql", "/graphql/"):
            return "graphql"
        return "rest" if path.startswith(self._rest_path) else "other"

    def route(self) -> Route:
        """``/metrics``."""

        async def metrics(_request: Request) -> Response:
            return Response(
                generate_latest(self.registry), headers={"content-type": CONTENT_TYPE_LATEST}
            )

        return Route("/metrics", metrics)
