"""Count and time requests, and serve Prometheus text at ``/metrics``.

Labels take values from fixed sets, so clients can't make the metrics grow.
"""

import asyncio
import bisect
from collections.abc import Callable, Container, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.database import Metric
from server.observability.shared_metrics import is_shared, registry_of_all
from server.observability.shared_text import SharedText

OTHER_OPERATION = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

OPERATION = "gateway.operation"
"""The key in an ASGI scope for the name of the trusted operation that ran."""


class Metrics:
    """The metrics of one gateway.

    ``rest_path`` is the path of the REST routes. ``operations`` are the names of the trusted
    operations, also of those that are added later; each gets a label value, and all others share
    one.
    """

    def __init__(self, rest_path: str, operations: Container[str] = ()) -> None:
        self._rest_path = rest_path
        self._operations = operations
        self._updates: list[Callable[[], None]] = []
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
            " of the trusted documents, those of the console, and other.",
            ["edge", "operation"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "gateway_requests_refused",
            "Requests that were refused because too many were running.",
            registry=self.registry,
        )
        self._limits = Counter(
            "gateway_limit_refusals",
            "What was refused because it passed a limit, by the setting.",
            ["limit"],
            registry=self.registry,
        )
        self._is_shared = is_shared()
        self._tallies: dict[tuple[str, str, int | str, str], _Tally] = {}

    def observe(
        self, path: str, method: str, status: int, seconds: float, operation: str | None = None
    ) -> None:
        """Count a request and its duration. A status of 0 means that no response was sent."""
        edge = self._edge(path)
        self._observe(edge, method if method in _METHODS else "other", status, seconds, operation)

    def observe_operation(self, status: str, seconds: float, operation: str | None) -> None:
        """Count an operation of a WebSocket; ``status`` is the type of its last message."""
        self._observe("websocket", "SUBSCRIBE", status, seconds, operation)

    def _observe(
        self, edge: str, method: str, status: int | str, seconds: float, operation: str | None
    ) -> None:
        key = (edge, method, status, self._name(edge, operation))
        tally = self._tallies.get(key)
        if tally is None:
            counter = self._requests.labels(edge, method, str(status))
            tally = self._tallies[key] = _Tally(counter, self._seconds.labels(edge, key[3]))
        tally.counts[bisect.bisect_left(_SECONDS, seconds)] += 1
        tally.seconds += seconds
        if self._is_shared:
            # Whichever process is asked next can't ask this one.
            tally.publish()

    def refused(self) -> None:
        """Count a request that was refused because too many were running."""
        self._refused.inc()

    def passed(self, limit: str | None) -> None:
        """Count a refusal because a limit was passed; the limit is the name of its setting."""
        if limit is not None:
            self._limits.labels(limit).inc()

    def watch(self, metrics: Iterable[Metric]) -> None:
        """Export metrics that are read from elsewhere on each scrape."""
        for metric in metrics:
            family = self._families.get(metric.name)
            if family is None:
                family = self._families[metric.name] = self._family(metric)
            child = family.labels(**metric.labels) if metric.labels else family
            self._updates.append(
                _increasing(child, metric) if metric.is_counter else _setting(child, metric)
            )

    def _family(self, metric: Metric) -> Any:
        names = list(metric.labels)
        if metric.is_counter:
            return Counter(metric.name, metric.description, names, registry=self.registry)
        mode: Any = f"live{metric.aggregate}"
        return Gauge(
            metric.name,
            metric.description,
            names,
            registry=self.registry,
            multiprocess_mode=mode,
        )

    def publish(self) -> None:
        """Read the watched metrics and update what is exported."""
        for tally in self._tallies.values():
            tally.publish()
        for update in self._updates:
            update()

    def _edge(self, path: str) -> str:
        if path in ("/graphql", "/graphql/"):
            return "graphql"
        return "rest" if path.startswith(self._rest_path) else "other"

    def _name(self, edge: str, operation: str | None) -> str:
        if edge not in ("graphql", "websocket"):
            return ""
        if operation is None or operation not in self._operations:
            return OTHER_OPERATION
        return operation

    def route(self) -> Route:
        """Return the route of ``/metrics``."""
        shared = SharedText(self._write)

        async def metrics(_request: Request) -> Response:
            text = await shared.get()
            return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

        return Route("/metrics", metrics)

    async def _write(self) -> bytes:
        self.publish()
        if is_shared():
            # In a thread, because it reads the files of every process.
            return await asyncio.to_thread(lambda: generate_latest(registry_of_all()))
        return generate_latest(self.registry)


class _Tally:
    """Counts requests of one kind until the next scrape.

    prometheus_client takes two locks for each observation.
    """

    __slots__ = ("_counter", "_histogram", "counts", "seconds")

    def __init__(self, counter: Any, histogram: Any) -> None:
        self._counter = counter
        self._histogram = histogram
        self.counts = [0] * (len(_SECONDS) + 1)
        """The number of requests in each bucket of the histogram."""
        self.seconds = 0.0
        """The sum of their durations."""

    def publish(self) -> None:
        """Add the counts to the metrics."""
        for bucket, count in enumerate(self.counts):
            if count:
                self.counts[bucket] = 0
                self._counter.inc(count)
                # The public method adds a single observation.
                self._histogram._buckets[bucket].inc(count)  # noqa: SLF001 - see above
        self._histogram._sum.inc(self.seconds)  # noqa: SLF001 - see above
        self.seconds = 0.0


def _setting(gauge: Any, metric: Metric) -> Callable[[], None]:
    return lambda: gauge.set(metric.value())


def _increasing(counter: Any, metric: Metric) -> Callable[[], None]:
    last = 0.0

    def increase() -> None:
        nonlocal last
        value = metric.value()
        counter.inc(value - last)
        last = value

    return increase
