"""Whether the process is up and its database answers, for load balancers and people."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from db.engine import Database
from db.errors import ServiceUnavailable
from server.errors import log_unexpected


def health_routes(database: Database) -> list[Route]:
    """``/healthz`` and ``/readyz``."""

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> JSONResponse:
        try:
            await database.ping()
        except ServiceUnavailable as error:
            return JSONResponse({"status": "unavailable", "reason": error.message}, 503)
        except Exception as error:  # noqa: BLE001 - logged, and told by its id
            error_id = log_unexpected(error, "A look whether the database answers")
            reason = f"The database can't be read; the log says more (id {error_id})"
            return JSONResponse({"status": "unavailable", "reason": reason}, 503)
        return JSONResponse({"status": "ok"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
