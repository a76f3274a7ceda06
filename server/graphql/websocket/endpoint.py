"""The GraphQL edge over WebSocket: which connections are accepted, and how many."""

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from db.errors import ServiceUnavailable
from server.access.authentication import Forbidden
from server.graphql.websocket.close_codes import CloseCode
from server.graphql.websocket.connection import ConnectionLimits, GraphQLConnection
from server.graphql.websocket.messages import PROTOCOL
from server.graphql.websocket.operations import Services
from server.graphql.websocket.over_asgi import converse
from server.graphql.websocket.wire import UPGRADE, Upgrade
from server.http.error_responses import graphql_error
from server.http.origins import Origins, is_same_origin


class TooManyConnections(ServiceUnavailable):
    """The gateway holds as many WebSockets as it may."""


class GraphQLWebSocket:
    """An ASGI application that serves WebSockets at ``/graphql``.

    At most ``max_connections`` of authenticated clients are open, and ``max_unacknowledged``
    others, of which the oldest make room for new ones: clients without a key never keep out clients
    with one. Browsers may connect from the gateway's own pages and from ``origins``.
    """

    def __init__(
        self,
        services: Services,
        limits: ConnectionLimits,
        *,
        max_connections: int,
        max_unacknowledged: int,
        origins: Origins,
    ) -> None:
        self._services = services
        self._limits = limits
        self._max_connections = max_connections
        self._max_unacknowledged = max_unacknowledged
        self._origins = origins
        self._acknowledged: set[GraphQLConnection] = set()
        # Ordered by arrival.
        self._unacknowledged: dict[GraphQLConnection, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, or refuse it."""
        websocket = WebSocket(scope, receive, send)
        if not self._may_connect(websocket):
            message = "A page of another site may not connect (cors_origins)"
            await websocket.send_denial_response(graphql_error(403, Forbidden.code, message))
            return
        try:
            self._expect_room()
        except TooManyConnections as error:
            self._services.on_limit(error.limit)
            response = graphql_error(503, error.code, error.message, {"retry-after": "1"})
            await websocket.send_denial_response(response)
            return

        await self._accept(websocket, receive, send)

    async def _accept(self, websocket: WebSocket, receive: Receive, send: Send) -> None:
        """Accept a connection, and serve it until it is closed or the server does so itself."""
        is_offered = PROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(PROTOCOL if is_offered else None)
        if not is_offered:
            await websocket.close(
                CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable"
            )
            return
        connection = GraphQLConnection(
            websocket.headers.get("authorization"),
            self._services,
            self._limits,
            self._acknowledge,
            self._forget,
        )
        self._make_room()
        self._unacknowledged[connection] = None
        upgrade: Upgrade | None = websocket.scope.get("state", {}).get(UPGRADE)
        if upgrade is None:
            await converse(connection, receive, send)
        else:
            upgrade(connection)

    def _acknowledge(self, connection: GraphQLConnection) -> None:
        self._expect_room()
        self._unacknowledged.pop(connection, None)
        self._acknowledged.add(connection)

    def _forget(self, connection: GraphQLConnection) -> None:
        self._unacknowledged.pop(connection, None)
        self._acknowledged.discard(connection)

    def _may_connect(self, websocket: WebSocket) -> bool:
        headers = websocket.headers
        origin = headers.get("origin")
        # Only browsers send an Origin, and they always do.
        return (
            origin is None
            or headers.get("sec-fetch-site") == "same-origin"
            or is_same_origin(origin.encode("latin-1"), headers.get("host", "").encode("latin-1"))
            or self._origins.allow(origin)
        )

    def _expect_room(self) -> None:
        if len(self._acknowledged) >= self._max_connections:
            raise TooManyConnections(
                f"The gateway holds {self._max_connections} connections already (max_connections)",
                limit="max_connections",
            )

    def _make_room(self) -> None:
        if len(self._unacknowledged) >= self._max_unacknowledged:
            oldest = next(iter(self._unacknowledged))
            del self._unacknowledged[oldest]
            limit = "max_unacknowledged_connections"
            self._services.on_limit(limit)
            reason = f"Too many connections wait for connection_init ({limit})"
            oldest.close(CloseCode.TRY_AGAIN_LATER, reason)
