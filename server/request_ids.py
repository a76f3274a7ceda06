"""An id for every request, in its answer and in everything that is logged about it."""

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.logs import request_logged

HEADER = "x-request-id"
_NAME = HEADER.encode()
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIds:
    """Takes the id that a proxy in front has given a request, or gives it one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with its id among the headers."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _NAME), b"").decode(
            "latin-1"
        )
        request_id = given if _ACCEPTABLE.fullmatch(given) else secrets.token_hex(8)
        header = (_NAME, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        with request_logged(request_id):
            await self._app(scope, receive, send_with_id)
