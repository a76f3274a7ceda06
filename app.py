"""The composition root: wires a gateway from its settings. As a program, the command line."""

import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from db.engine import Database
from db.executions import Executions
from db.migrations.upgrade import upgrade
from resolvers.context import Context
from resolvers.schema import build_schema
from server.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected
from server.graphql import GraphQLEdge
from server.health import health_routes
from server.openapi import openapi_document
from server.operations import PreparedOperations, preparation
from server.rest import RestEdge, error_response, not_allowed
from server.settings import Settings
from server.start_page import start_page

_Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings | None = None) -> Starlette:
    """Build a gateway; its database is brought to the newest revision when it starts.

    Without settings they are read from the environment and from ``.env``.
    """
    settings = settings or Settings()
    database = Database(settings.database_url, busy_timeout=settings.busy_timeout)
    executions = Executions(database)
    schema = build_schema([preparation(PreparedOperations())])
    graphql = GraphQLEdge(schema, lambda: Context(executions, settings.max_page_size))
    rest = RestEdge(executions, prefix=settings.rest_prefix, max_page_size=settings.max_page_size)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await upgrade(database)
        yield
        await database.close()

    return Starlette(
        routes=[
            Route("/", _start_page(settings)),
            Route("/graphql", graphql),
            Route("/graphql/", graphql),
            *rest.routes(),
            Route("/openapi.json", _openapi(settings)),
            *health_routes(database),
        ],
        middleware=_cors(settings),
        exception_handlers={HTTPException: _http_error, Exception: _fault},
        lifespan=lifespan,
    )


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "content-type"],
            expose_headers=["link", "x-total-count"],
        )
    ]


def _start_page(settings: Settings) -> _Endpoint:
    async def endpoint(_request: Request) -> Response:
        return HTMLResponse(start_page(settings.rest_prefix))

    return endpoint


def _openapi(settings: Settings) -> _Endpoint:
    document = openapi_document(settings.rest_prefix, settings.max_page_size)

    async def endpoint(_request: Request) -> Response:
        return JSONResponse(document)

    return endpoint


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        return not_allowed(request.method, (error.headers or {}).get("Allow", "GET"))
    return error_response(error.status_code, "NOT_FOUND", f"There is nothing at {request.url.path}")


async def _fault(request: Request, error: Exception) -> Response:
    error_id = log_unexpected(error, request.method)
    return error_response(500, INTERNAL, INTERNAL_MESSAGE, id=error_id)


if __name__ == "__main__":
    from server.cli import main

    sys.exit(main())
