"""Whether the process is up and its database answers, for load balancers and people."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from db.database import Database
from db.errors import ServiceUnavailable
from server.http.errors import log_unexpected


class Shared:
    """Something that is done once for all who ask for it at the same time."""

    def __init__(self, do: Callable[[], Awaitable[None]]) -> None:
        self._do = do
        self._under_way: asyncio.Future[None] | None = None

    async def __call__(self) -> None:
        """Do it, or wait for whoever does; raises what it raised."""
        under_way = self._under_way
        if under_way is None or under_way.done():
            under_way = self._under_way = asyncio.ensure_future(self._do())
            # Whoever asked may be gone when it fails.
            under_way.add_done_callback(lambda done: done.cancelled() or done.exception())
        # One who goes away ends it for nobody else.
        await asyncio.shield(under_way)


def health_routes(database: Database) -> list[Route]:
    """``/healthz`` and ``/readyz``.

    All who ask the latter at the same time share one look at the database.
    """
    ping = Shared(database.ping)

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> JSONResponse:
        try:
            await ping()
        except ServiceUnavailable as error:
            return JSONResponse({"status": "unavailable", "reason": error.message}, 503)
        except Exception as error:  # noqa: BLE001 - logged, and told by its id
            error_id = log_unexpected(error, "A look whether the database answers")
            reason = f"The database can't be read; the log says more (id {error_id})"
            return JSONResponse({"status": "unavailable", "reason": reason}, 503)
        return JSONResponse({"status": "ok"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
