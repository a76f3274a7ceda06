"""OpenTelemetry traces of requests and their database calls.

Needs the packages of an extra (``pip install "executions-gateway[otel]"``). OpenTelemetry's own
environment variables (``OTEL_EXPORTER_OTLP_ENDPOINT``) say where traces go. Spans hold routes and
statements, but no values that clients sent. Names follow OpenTelemetry's semantic conventions.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.database import Database, Execute, Metric, Rows
from db.snapshots import ReadSnapshot
from server.observability.metrics import OPERATION

_T = TypeVar("_T")

_SERVICE = "executions-gateway"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


class Tracing:
    """Creates and sends spans; ``rest_path`` is the path of the REST routes."""

    def __init__(self, rest_path: str) -> None:
        named = Resource.create({SERVICE_NAME: _SERVICE})
        # OTEL_SERVICE_NAME takes precedence over our own name.
        resource = named.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_SERVICE)
        self._rest_path = rest_path

    def wrap_app(self, app: ASGIApp) -> ASGIApp:
        """Return an application that traces the HTTP requests of ``app``."""
        return _TracedRequests(app, self._tracer, self._rest_path)

    def wrap_database(self, database: Database) -> Database:
        """Return a database that traces the reads and changes of ``database``."""
        return _TracedDatabase(database, self._tracer)

    async def close(self) -> None:
        """Send the remaining spans."""
        await asyncio.to_thread(self._provider.shutdown)


@contextlib.contextmanager
def _span(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, str],
    parent: Context | None = None,
) -> Iterator[Span]:
    """Record a span around the block, without exception messages: they may hold clients' values."""
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


class _TracedRequests:
    def __init__(self, app: ASGIApp, tracer: Tracer, rest_path: str) -> None:
        self._app = app
        self._tracer = tracer
        self._rest_path = rest_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        route = self._route(scope["path"])
        attributes = {"http.request.method": method, "http.route": route}
        name, parent = f"{method} {route}", extract(_headers(scope))
        with _span(self._tracer, name, SpanKind.SERVER, attributes, parent) as span:
            await self._app(scope, receive, _TracedResponse(send, span).send)
            if operation := scope.get(OPERATION):
                span.set_attribute("graphql.operation.name", operation)

    def _route(self, path: str) -> str:
        if path.rstrip("/") == "/graphql":
            return "/graphql"
        if path.startswith(self._rest_path):
            rest = path[len(self._rest_path) :].strip("/")
            return f"{self._rest_path}/{{guid}}" if rest else self._rest_path
        return "other"


class _TracedResponse:
    """Records the status of a response; one that stays open has its span until it is open."""

    def __init__(self, send: Send, span: Span) -> None:
        self._send = send
        self._span = span

    async def send(self, message: Message) -> None:
        """Send a message of ASGI."""
        if message["type"] == "http.response.start":
            self._span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= 500:
                self._span.set_status(StatusCode.ERROR)
        await self._send(message)

    def open_stream(self, headers: bytes, listener: Any) -> Any:
        """Begin a response that stays open, as ``server.http.open_stream`` describes it."""
        self._span.set_attribute("http.response.status_code", 200)
        server: Any = getattr(self._send, "__self__", None)
        return server.open_stream(headers, listener)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


class _TracedDatabase(Database):
    def __init__(self, database: Database, tracer: Tracer) -> None:
        super().__init__(database.url)
        self._database = database
        self._tracer = tracer
        system = "postgresql" if database.dialect.name == "postgresql" else "sqlite"
        self._attributes = {"db.system.name": system}

    @property
    def dialect(self) -> Dialect:
        return self._database.dialect

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        return await self._database.fetch(statement)

    async def _read(self, statement: str, parameters: tuple[Any, ...], *, is_short: bool) -> Rows:
        with self._span("SELECT", statement) as span:
            rows = await self._database.read(statement, parameters, is_short=is_short)
            span.set_attribute("db.response.returned_rows", len(rows))
            return rows

    async def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        with self._span("SELECT", statement):
            return await self._database.read_latest(statement, parameters)

    def snapshot(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._database.snapshot()

    def _begin_snapshot(self) -> ReadSnapshot:
        raise NotImplementedError

    async def catch_up(self) -> None:
        await self._database.catch_up()

    async def change(self, change: Callable[[Execute], _T]) -> _T:
        statements: list[str] = []

        def recorded(execute: Execute) -> _T:
            # The database may run a change again.
            statements.clear()

            def execute_recorded(statement: str, parameters: Sequence[Any]) -> Rows:
                statements.append(statement)
                return execute(statement, parameters)

            return change(execute_recorded)

        with self._span("CHANGE") as span:
            try:
                return await self._database.change(recorded)
            finally:
                span.set_attribute("db.query.text", ";\n".join(statements))

    async def change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        with self._span("CHANGE", statement):
            return await self._database.change_at_once(statement, parameters)

    def _span(
        self, operation: str, statement: str | None = None
    ) -> contextlib.AbstractContextManager[Span]:
        text = {} if statement is None else {"db.query.text": statement}
        attributes = {**self._attributes, "db.operation.name": operation, **text}
        return _span(self._tracer, operation, SpanKind.CLIENT, attributes)

    def watch_commits(
        self, on_commit: Callable[[], object]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        return self._database.watch_commits(on_commit)

    def write(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        return self._database.write()

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        return await self._database.transact(work)

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        return await self._database.explain(statement, parameters)

    async def ping(self) -> None:
        await self._database.ping()

    def metrics(self) -> Sequence[Metric]:
        return self._database.metrics()

    async def close(self) -> None:
        await self._database.close()
