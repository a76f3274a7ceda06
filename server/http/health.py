"""``/healthz`` and ``/readyz``: whether the process is up and its database answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from db.database import Database
from db.errors import ServiceUnavailable
from server.http.errors import log_unexpected


class SingleFlight:
    """Calls a function once for all callers who come while it runs."""

    def __init__(self, do: Callable[[], Awaitable[None]]) -> None:
        self._do = do
        self._under_way: asyncio.Future[None] | None = None

    async def __call__(self) -> None:
        """Call the function, or wait for the call that is running; raises its exception."""
        under_way = self._under_way
        if under_way is None or under_way.done():
            under_way = self._under_way = asyncio.ensure_future(self._do())
            # All callers may be gone when it fails.
            under_way.add_done_callback(lambda done: done.cancelled() or done.exception())
        # A caller that is cancelled must not cancel it for others.
        await asyncio.shield(under_way)


def health_routes(
    database: Database, describe: Callable[[], Mapping[str, Any]] = dict
) -> list[Route]:
    """Return the routes of ``/healthz`` and ``/readyz``.

    All who ask ``/readyz`` at the same time share one query of the database. ``describe`` returns
    what else to say of a database that answers.
    """
    ping = SingleFlight(database.ping)

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> JSONResponse:
        try:
            await ping()
        except ServiceUnavailable as error:
            return JSONResponse({"status": "unavailable", "reason": error.message}, 503)
        except Exception as error:  # noqa: BLE001 - logged, and reported by its id
            error_id = log_unexpected(error, "A look whether the database answers")
            reason = f"The database can't be read; the log says more (id {error_id})"
            return JSONResponse({"status": "unavailable", "reason": reason}, 503)
        return JSONResponse({"status": "ok", **describe()})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
