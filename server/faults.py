"""The last line of defence: what no edge has caught is logged, and answered with an id."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected
from server.refusals import refusal_for_path


class Faults:
    """Answers 500 for an exception; one that comes after the answer began ends the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and catch what it raises."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_start)
        except Exception as error:
            if started:
                raise
            error_id = log_unexpected(error, f"{scope['method']} {scope['path'][:100]}")
            response = refusal_for_path(scope["path"], 500, INTERNAL, INTERNAL_MESSAGE, id=error_id)
            await response(scope, receive, send)
