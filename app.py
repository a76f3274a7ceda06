"""The composition root: wires a gateway from its settings. Run as a program, the command line."""

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from db.agentflows import Agentflows
from db.contents.stored import EXECUTION_DATA
from db.database import Database
from db.events.feed import EventFeed
from db.events.log import EventLog
from db.executions import Executions
from db.flowise.content import flowise_content
from db.flowise.refusals import refuse_unattached
from db.flowise.tables import FlowiseTables
from db.keys import Keys
from db.migrations.upgrade import upgrade
from db.opening import open_database
from db.sessions import Sessions
from resolvers.context import Context
from resolvers.schema import build_schema
from server.access.authentication import Authenticator
from server.graphql.console_operations import ConsoleOperations, WithConsole
from server.graphql.documents import Documents, PersistedQueries, read_manifest
from server.graphql.endpoint import GraphQLEdge
from server.graphql.events_endpoint import EventsEndpoint
from server.graphql.preparation import OperationStore
from server.graphql.runner import OperationRunner
from server.graphql.subscriptions.admission import Admission
from server.graphql.subscriptions.broadcaster import Broadcaster
from server.graphql.websocket.connection import ConnectionLimits
from server.graphql.websocket.endpoint import GraphQLWebSocket
from server.graphql.websocket.operations import Services
from server.http.application import FindEdge, GatewayApplication
from server.http.bodies import BodyReader
from server.http.bundle import FOLDER, Bundle
from server.http.concurrency import ConcurrencyLimit
from server.http.cross_origin import CrossOrigin
from server.http.error_responses import error_for_path
from server.http.errors import NOT_FOUND
from server.http.guard import Guard
from server.http.health import health_routes
from server.http.heartbeats import Heartbeats
from server.http.hosts import Hosts
from server.http.origins import Origins
from server.http.start_page import icon_route, start_page_route
from server.observability.logs import configure_logs
from server.observability.metrics import Metrics
from server.observability.shared_metrics import publishing
from server.operation.attachment_watch import AttachmentWatch
from server.operation.connections import CONNECTIONS, Connections
from server.operation.event_retention import EventRetention
from server.operation.garbage import collect_rarely
from server.operation.maintenance import deleting, timing_out
from server.operation.open_files import allow_open_files
from server.operation.rounds import Rounds
from server.operation.settings import Settings, load_settings
from server.operation.workers import end_with_parent
from server.rest.endpoint import RestEdge
from server.rest.openapi import openapi_route
from server.rest.response import not_allowed

if TYPE_CHECKING:
    from server.observability.tracing import Tracing


def create_app(settings: Settings | None = None, console: Path = FOLDER) -> Starlette:
    """Build a gateway; on start it migrates its database to the newest revision.

    Without ``settings`` they are read from the environment and ``.env``. ``console`` is the folder
    of the bundle with the console and GraphiQL.
    """
    settings = settings or load_settings()
    tracing = _tracing(settings)
    database = open_database(
        settings.database_url,
        busy_timeout=settings.busy_timeout,
        statement_timeout=settings.statement_timeout,
        connections=settings.database_connections,
        read_url=settings.read_database_url,
        max_replica_lag=settings.max_replica_lag,
    )
    # The watch polls twice a second; tracing that would bury everything else.
    untraced = database
    if tracing is not None:
        database = tracing.wrap_database(database)
    authenticator = Authenticator(
        Keys(database), enabled=settings.auth != "off", required=settings.keys_required
    )

    documents = WithConsole(_documents(settings), ConsoleOperations(console))
    metrics = Metrics(f"{settings.rest_prefix}/executions", documents.operation_names)
    metrics.watch([*database.metrics(), *documents.metrics()])
    connections = Connections(
        settings.max_open_connections,
        settings.send_timeout,
        metrics.passed,
        settings.max_unread_bytes,
    )
    metrics.watch(connections.metrics())
    metrics.watch(authenticator.metrics())

    log = EventLog(database)
    feed = EventFeed(log, database)
    broadcaster = Broadcaster(log, feed, max_filter_bytes=settings.max_filter_bytes)
    metrics.watch([*feed.metrics(), *broadcaster.metrics()])

    executions = Executions(database)
    metrics.watch(executions.metrics())

    def switch(tables: FlowiseTables | None) -> None:
        executions.read_contents_of(
            flowise_content(tables, database.dialect) if tables else EXECUTION_DATA
        )
        # On SQLite each commit can fail what Flowise is doing.
        is_rare = tables is not None and database.dialect.name == "sqlite"
        authenticator.records_rarely = is_rare
        for work in background:
            work.write_rarely(is_rare=is_rare)

    attachment = AttachmentWatch(untraced, switch, _deletions(settings))
    background = [attachment, *_background(settings, database)]
    for work in background:
        metrics.watch(work.metrics())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, object]]:
        await refuse_unattached(database)
        await upgrade(database)
        await attachment.learn()
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(authenticator.watching())
            await running.enter_async_context(publishing(metrics.publish))
            await running.enter_async_context(feed.running())
            for work in background:
                await running.enter_async_context(work.running())
            yield {CONNECTIONS: connections}
        await database.close()
        if tracing is not None:
            await tracing.close()

    bundle = Bundle(console, settings.rest_prefix)
    origins = Origins(settings.cors_origins)
    find_edge, routes = _executions_routes(
        _Parts(
            settings=settings,
            database=database,
            executions=executions,
            broadcaster=broadcaster,
            authenticator=authenticator,
            documents=documents,
            metrics=metrics,
            bundle=bundle,
            origins=origins,
        )
    )
    guard = Guard(
        Hosts(settings.allowed_hosts),
        origins,
        authenticator.is_open,
        on_loopback=settings.on_loopback,
        keys_are_off=settings.auth == "off",
    )
    return GatewayApplication(
        find_edge,
        guard,
        metrics,
        routes=[
            start_page_route(settings.rest_prefix, bundle),
            icon_route(),
            *routes,
            bundle.route(),
            openapi_route(
                settings.rest_prefix,
                max_page_size=settings.max_page_size,
                max_ids=settings.max_ids,
                needs_key=settings.auth != "off",
            ),
            *health_routes(database, attachment.describe),
            metrics.route(),
        ],
        middleware=_middleware(settings, origins, tracing),
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )


def served_app() -> Starlette:
    """Build the gateway of a server process, and configure its log."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    end_with_parent()
    # Besides sockets: the database, the log and files that are being served.
    sockets = settings.max_connections + settings.max_unacknowledged_connections
    # Streams of subscriptions do not count as open connections.
    sockets += settings.max_open_connections + settings.max_subscriptions
    allow_open_files(sockets + 256)
    app = create_app(settings)
    collect_rarely()
    return app


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """What the edges of executions are made of."""

    settings: Settings
    database: Database
    executions: Executions
    broadcaster: Broadcaster
    authenticator: Authenticator
    documents: Documents
    metrics: Metrics
    bundle: Bundle
    origins: Origins


def _executions_routes(parts: _Parts) -> tuple[FindEdge, list[BaseRoute]]:
    settings, metrics, authenticator = parts.settings, parts.metrics, parts.authenticator
    concurrency = ConcurrencyLimit(
        settings.max_concurrent_requests, "max_concurrent_requests", "requests", metrics.refused
    )
    streams = ConcurrencyLimit(
        settings.max_streams, "max_streams", "streams", metrics.refused, until_sent=True
    )
    metrics.watch([*concurrency.metrics(), *streams.metrics()])
    bodies = BodyReader(settings.max_body_bytes, settings.receive_timeout)
    store = OperationStore(settings.limits, introspection=settings.introspection)
    metrics.watch(store.metrics())
    schema = build_schema(suggestions=settings.introspection)
    context = Context(
        parts.executions,
        Agentflows(parts.database),
        Sessions(parts.database),
        parts.broadcaster.log,
        max_page_size=settings.max_page_size,
        max_ids=settings.max_ids,
        in_thread=store.in_thread,
        snapshot=parts.database.snapshot,
        max_matching_seconds=settings.max_matching_seconds,
        max_data_bytes=settings.max_data_bytes,
    )
    runner = OperationRunner(
        schema, store, parts.documents, context, parts.broadcaster, on_limit=metrics.passed
    )
    admission = Admission(
        authenticator,
        maximum=settings.max_subscriptions,
        maximum_per_key=settings.max_subscriptions_per_key,
    )
    metrics.watch(admission.metrics())
    events = EventsEndpoint(
        runner,
        bodies,
        concurrency,
        streams,
        admission,
        Heartbeats(settings.heartbeat_interval),
        max_batch=settings.max_batch,
    )
    graphql = GraphQLEdge(
        runner,
        authenticator,
        bodies,
        concurrency,
        events,
        parts.bundle,
        max_batch=settings.max_batch,
        get_queries=settings.get_queries,
        origins=parts.origins,
        on_limit=metrics.passed,
    )
    websocket = GraphQLWebSocket(
        Services(runner, authenticator, concurrency, admission, metrics, metrics.passed),
        ConnectionLimits(
            max_operations=settings.max_subscriptions_per_connection,
            init_timeout=settings.connection_init_timeout,
            send_timeout=settings.send_timeout,
            # Leaves time for telling clients that the operations were cancelled.
            timeout=settings.shutdown_timeout / 2,
        ),
        max_connections=settings.max_connections,
        max_unacknowledged=settings.max_unacknowledged_connections,
        origins=parts.origins,
    )
    rest = RestEdge(
        parts.executions,
        authenticator,
        bodies,
        concurrency,
        streams,
        prefix=settings.rest_prefix,
        max_page_size=settings.max_page_size,
        max_ids=settings.max_ids,
        max_parameters=settings.max_parameters,
        max_data_bytes=settings.max_data_bytes,
        on_limit=metrics.passed,
    )
    metrics.watch(rest.metrics())
    paths = dict.fromkeys(("/graphql", "/graphql/"), graphql)
    routes: list[BaseRoute] = [
        route for path in paths for route in (Route(path, graphql), WebSocketRoute(path, websocket))
    ]
    return lambda path: paths.get(path) or rest.find(path), [*routes, *rest.routes()]


def _background(settings: Settings, database: Database) -> list[Rounds]:
    background: list[Rounds] = [EventRetention(database, settings.event_age)]
    if settings.retention_ages:
        background.append(deleting(database, settings.retention_ages, settings.retention_keep_last))
    if settings.timeout_ages:
        background.append(timing_out(database, settings.timeout_ages))
    return background


def _deletions(settings: Settings) -> str | None:
    """Return what to log when the database is attached, and executions are deleted by age."""
    if not settings.retention_ages:
        return None
    return "GATEWAY_RETENTION deletes executions of Flowise too, because the database is attached"


def _documents(settings: Settings) -> Documents:
    manifest = settings.trusted_documents
    return read_manifest(manifest) if manifest else PersistedQueries()


def _tracing(settings: Settings) -> "Tracing | None":
    if not settings.traces:
        return None
    from server.observability.tracing import Tracing  # noqa: PLC0415 - its packages need not be there

    return Tracing(f"{settings.rest_prefix}/executions")


def _middleware(
    settings: Settings, origins: Origins, tracing: "Tracing | None"
) -> list[Middleware]:
    middleware = [] if tracing is None else [Middleware(tracing.wrap_app)]
    if origins:
        middleware.append(Middleware(CrossOrigin, origins, settings.cors_headers))
    return middleware


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        return not_allowed(request.method, (error.headers or {}).get("Allow", "GET"))
    path = request.url.path
    return error_for_path(path, error.status_code, NOT_FOUND, f"There is nothing at {path}")


if __name__ == "__main__":
    from server.cli.main import main

    sys.exit(main())
