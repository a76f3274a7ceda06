"""GraphQL over WebSocket, by the graphql-transport-ws protocol."""

import json
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from resolvers.context import Context
from resolvers.schema import Schema


class GraphQLWebSocket(GraphQL[Context, None]):
    """Strawberry's WebSocket handler, with this gateway's context and JSON."""

    def __init__(self, schema: Schema, make_context: Callable[[], Context]) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
        )
        self._make_context = make_context

    async def get_context(
        self,
        request: Request | WebSocket,  # noqa: ARG002 - Strawberry's signature
        response: Response | WebSocket,  # noqa: ARG002
    ) -> Context:
        """A context for the operations of one connection."""
        return self._make_context()

    def encode_json(self, data: object) -> str:
        """Write a message; the protocol wants text frames."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> Any:
        """Read a message. Raises json.JSONDecodeError when it is not a JSON object."""
        message = orjson.loads(data)
        if not isinstance(message, dict):
            raise json.JSONDecodeError("A message must be an object", str(data), 0)
        return message
