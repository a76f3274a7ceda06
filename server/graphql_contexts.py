"""The contexts that resolvers are handed over a WebSocket, and who asks for costs."""

from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket

from db.executions import Executions
from resolvers.context import Context
from server.access import Access, Gatekeeper
from server.exchange import HttpRequest

COST_HEADER = "graphql-cost"
"""``GraphQL-Cost: report`` asks for what an operation costs, in ``extensions.cost``."""
_COST_HEADER = COST_HEADER.encode()


def reports_cost(request: HttpRequest) -> bool:
    """Whether a request asks for what its operation costs."""
    return (request.header(_COST_HEADER) or "").lower() == "report"


class Contexts:
    """Makes contexts over the same executions and bounds."""

    def __init__(
        self, executions: Executions, gatekeeper: Gatekeeper, *, max_page_size: int, max_ids: int
    ) -> None:
        self._executions = executions
        self._gatekeeper = gatekeeper
        self._max_page_size = max_page_size
        self._max_ids = max_ids

    def of_websocket(self, websocket: WebSocket) -> Context:
        """For the operations of one WebSocket; each of them is admitted anew.

        Its key is in the payload of ``connection_init``, because browsers can't set headers of
        a WebSocket, or else in the header that other clients can set.
        """

        async def admit() -> Access:
            shown = _authorization(context.connection_params or {})
            return await self._gatekeeper.admit(shown or websocket.headers.get("authorization"))

        context = Context(
            executions=self._executions,
            max_page_size=self._max_page_size,
            max_ids=self._max_ids,
            admit=admit,
        )
        return context


def _authorization(parameters: Mapping[str, Any]) -> str | None:
    for name, value in parameters.items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value
    return None
