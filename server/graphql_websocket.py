"""GraphQL over WebSocket, by the graphql-transport-ws protocol."""

import asyncio
import contextlib
import json
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types.unset import UNSET, UnsetType

from db.errors import GatewayError
from resolvers.context import Context
from resolvers.schema import Schema
from server.errors import OnLimit
from server.graphql_contexts import Contexts
from server.graphql_request import read_members
from server.logs import log_as_operation
from server.origins import Origins
from server.persisted import Documents
from server.refusals import graphql_refusal
from server.websocket_protocol import LIFELINE

_SERVICE_RESTART = 1012
"""The status of a connection that is closed because the server stops (IANA's registry)."""
_SHUTTING_DOWN = "The gateway is shutting down; connect again"


class TooManyOperations(GatewayError):
    """A WebSocket has as many operations under way as it may."""

    code = "SERVICE_UNAVAILABLE"


class ShuttingDown(GatewayError):
    """The gateway takes no more operations."""

    code = "SERVICE_UNAVAILABLE"


class _Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """Checks what a client subscribes to before Strawberry runs it.

    When the gateway shuts down, the operations that are under way are answered; then the client
    is told so by the status 1012.
    """

    view: "GraphQLWebSocket"
    _is_closing = False

    async def handle(self) -> None:
        closing = asyncio.create_task(self._close_at_shutdown())
        try:
            await super().handle()
        finally:
            closing.cancel()

    async def _close_at_shutdown(self) -> None:
        socket: WebSocket = self.websocket.ws  # type: ignore[attr-defined]
        lifeline = socket.scope.get("state", {}).get(LIFELINE)
        if lifeline is None:
            return
        await lifeline.stopping.wait()
        self._is_closing = True
        under_way = [each.task for each in self.operations.values() if each.task]
        if under_way:
            await asyncio.wait(under_way, timeout=self.view.patience)
        with contextlib.suppress(WebSocketDisconnected):
            await self.websocket.close(_SERVICE_RESTART, _SHUTTING_DOWN)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        await super().handle_connection_init(message)
        socket: WebSocket = self.websocket.ws  # type: ignore[attr-defined]
        lifeline = socket.scope.get("state", {}).get(LIFELINE)
        if lifeline is not None and self.connection_acknowledged:
            lifeline.is_admitted = True

    async def handle_message(self, message: Message) -> None:
        if message.get("type") in ("subscribe", "complete") and not isinstance(
            message.get("id"), str
        ):
            await self.handle_invalid_message("The id of a message must be a string")
            return
        await super().handle_message(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if not isinstance(message["payload"], dict):
            await self.handle_invalid_message("The payload of a message must be an object")
            return
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                if self._is_closing:
                    raise ShuttingDown(_SHUTTING_DOWN)
                asked = read_members(message["payload"])
                if len(self.operations) >= self.view.max_operations:
                    raise TooManyOperations(
                        f"This connection has {self.view.max_operations} operations under way "
                        "already (max_subscriptions_per_connection)",
                        limit="max_subscriptions_per_connection",
                    )
                message["payload"]["query"] = self.view.documents.text_of(asked)
            except GatewayError as error:
                self.view.on_limit(error.limit)
                await self._refuse(message["id"], error)
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        log_as_operation(operation.operation_name)
        await super().run_operation(operation)

    async def _refuse(self, operation_id: str, error: GatewayError) -> None:
        payload: Any = [{"message": error.message, "extensions": {"code": error.code}}]
        await self.send_message({"id": operation_id, "type": "error", "payload": payload})


class GraphQLWebSocket(GraphQL[Context, None]):
    """Strawberry's WebSocket handler, with this gateway's contexts, keys, limits and JSON.

    At most ``max_connections`` are open, each with at most ``max_operations`` under way, which
    get ``patience`` seconds to come to their end when the server stops.
    Browsers may open one from the gateway's own pages and from ``origins``.
    """

    graphql_transport_ws_handler_class = _Handler

    def __init__(
        self,
        schema: Schema,
        contexts: Contexts,
        documents: Documents,
        *,
        max_connections: int,
        max_operations: int,
        patience: float,
        send_timeout: float,
        origins: Origins,
        on_limit: OnLimit,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            max_subscriptions_per_connection=None,
        )
        self.documents = documents
        self._origins = origins
        self.max_operations = max_operations
        self.patience = patience
        self._send_timeout = send_timeout
        self._contexts = contexts
        self._max_connections = max_connections
        self._open = 0
        self.on_limit = on_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or refuse it when there are too many."""
        if self._open >= self._max_connections:
            self.on_limit("max_connections")
            message = (
                f"The gateway holds {self._max_connections} connections already (max_connections)"
            )
            response = graphql_refusal(503, "SERVICE_UNAVAILABLE", message, {"retry-after": "1"})
            await WebSocket(scope, receive, send).send_denial_response(response)
            return
        self._open += 1
        lifeline = scope.get("state", {}).get(LIFELINE)
        if lifeline is not None:
            lifeline.send_timeout = self._send_timeout
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._open -= 1

    def is_websocket_origin_allowed(
        self,
        request: WebSocket,  # noqa: ARG002 - Strawberry's signature
        origin: str,
    ) -> bool:
        """Whether a page of another origin may open a connection."""
        return self._origins.allow(origin)

    async def get_context(
        self,
        request: Request | WebSocket,
        response: Response | WebSocket,  # noqa: ARG002 - Strawberry's signature
    ) -> Context:
        """A context for the operations of one connection."""
        return self._contexts.of_websocket(request)  # type: ignore[arg-type]

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Close the connection of a client that shows no valid key."""
        try:
            await context.admit()
        except GatewayError as error:
            raise ConnectionRejectionError({"message": error.message}) from None
        accepted: UnsetType = UNSET
        return accepted

    def encode_json(self, data: object) -> str:
        """Write a message; the protocol wants text frames."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> Any:
        """Read a message. Raises json.JSONDecodeError when it is not a JSON object."""
        message = orjson.loads(data)
        if not isinstance(message, dict):
            raise json.JSONDecodeError("A message must be an object", str(data), 0)
        return message
