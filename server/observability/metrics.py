"""What the gateway counts and times, as Prometheus text at ``/metrics``.

Labels have few values, whatever clients send, so that nobody can make the metrics grow.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.database import Measure
from server.observability.shared_metrics import is_shared, registry_of_all
from server.observability.shared_text import SharedText

OTHER_OPERATION = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Observe = Callable[[float], None]

OPERATION = "gateway.operation"
"""Where an ASGI scope has the name of the trusted operation that was run."""


class Metrics:
    """The metrics of one gateway.

    ``rest_path`` is where its REST routes begin; ``operations`` are the names of operations that
    are told apart, which nobody but the operator can add to.
    """

    def __init__(self, rest_path: str, operations: Collection[str] = ()) -> None:
        self._rest_path = rest_path
        self._operations = frozenset(operations)
        self._watched: list[Callable[[], None]] = []
        self._families: dict[str, Any] = {}
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gateway_requests",
            "Requests that were answered.",
            ["edge", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gateway_request_seconds",
            "How long requests took until their answer was sent, in seconds. Operations are those"
            " of the trusted documents, and other.",
            ["edge", "operation"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "gateway_requests_refused",
            "Requests that were refused because as many were under way as may be.",
            registry=self.registry,
        )
        self._limits = Counter(
            "gateway_limit_refusals",
            "What was refused because it passed a limit, by the setting.",
            ["limit"],
            registry=self.registry,
        )
        self._kept: dict[tuple[str, str, int | str, str], tuple[Callable[[], None], Observe]] = {}

    def observe(
        self, path: str, method: str, status: int, seconds: float, operation: str | None = None
    ) -> None:
        """Count a request that was answered. A status of 0 says that it never was."""
        edge = self._edge(path)
        self._observe(edge, method if method in _METHODS else "other", status, seconds, operation)

    def observe_operation(self, status: str, seconds: float, operation: str | None) -> None:
        """Count an operation of a WebSocket; ``status`` is the type of the message it ended in."""
        self._observe("websocket", "SUBSCRIBE", status, seconds, operation)

    def _observe(
        self, edge: str, method: str, status: int | str, seconds: float, operation: str | None
    ) -> None:
        key = (edge, method, status, self._name(edge, operation))
        kept = self._kept.get(key)
        if kept is None:
            edge, method, _, name = key
            counter = self._requests.labels(edge, method, str(status))
            kept = self._kept[key] = (counter.inc, self._seconds.labels(edge, name).observe)
        count, observe = kept
        count()
        observe(seconds)

    def refused(self) -> None:
        """Count a request that was refused because too many are under way."""
        self._refused.inc()

    def passed(self, limit: str | None) -> None:
        """Count what was refused because it passed a limit, which a setting names."""
        if limit is not None:
            self._limits.labels(limit).inc()

    def watch(self, measures: Iterable[Measure]) -> None:
        """Show values as they are whenever the metrics are asked for."""
        for measure in measures:
            family = self._families.get(measure.name)
            if family is None:
                family = self._families[measure.name] = self._family(measure)
            shown = family.labels(**measure.labels) if measure.labels else family
            self._watched.append(
                _growing(shown, measure) if measure.only_grows else _set(shown, measure)
            )

    def _family(self, measure: Measure) -> Any:
        names = list(measure.labels)
        if measure.only_grows:
            return Counter(measure.name, measure.description, names, registry=self.registry)
        mode: Any = f"live{measure.of_all}"
        return Gauge(
            measure.name,
            measure.description,
            names,
            registry=self.registry,
            multiprocess_mode=mode,
        )

    def publish(self) -> None:
        """Bring what is watched up to date."""
        for update in self._watched:
            update()

    def _edge(self, path: str) -> str:
        if path in ("/graphql", "/graphql/"):
            return "graphql"
        return "rest" if path.startswith(self._rest_path) else "other"

    def _name(self, edge: str, operation: str | None) -> str:
        if edge not in ("graphql", "websocket"):
            return ""
        return operation if operation in self._operations else OTHER_OPERATION

    def route(self) -> Route:
        """``/metrics``."""
        shared = SharedText(self._write)

        async def metrics(_request: Request) -> Response:
            text = await shared.get()
            return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

        return Route("/metrics", metrics)

    async def _write(self) -> bytes:
        self.publish()
        if is_shared():
            # Files are read for it, those of every process.
            return await asyncio.to_thread(lambda: generate_latest(registry_of_all()))
        return generate_latest(self.registry)


def _set(shown: Any, measure: Measure) -> Callable[[], None]:
    return lambda: shown.set(measure.value())


def _growing(shown: Any, measure: Measure) -> Callable[[], None]:
    told = 0.0

    def add() -> None:
        nonlocal told
        value = measure.value()
        shown.inc(value - told)
        told = value

    return add
