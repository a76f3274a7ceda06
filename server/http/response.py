"""A complete response. Starlette's takes as long as finding an execution."""

from starlette.types import Receive, Scope, Send

from server.http.direct_write import Header, encoded, writer_for


class DirectResponse:
    """A complete response; an ASGI application."""

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, body: bytes, headers: tuple[Header, ...], status: int = 200) -> None:
        self.body = body
        self.headers = headers
        self.status_code = status

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Write the response at once if ``send`` allows that, or else send it as two messages."""
        write = writer_for(send)
        lines = encoded(self.headers)
        if write is not None and lines is not None and write(self.status_code, lines, self.body):
            return
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
