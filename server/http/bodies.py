"""Read request bodies, with limits on size and time."""

import asyncio

from db.deadlines import Deadlines
from db.errors import InvalidInput
from server.http.content_coding import ACCEPTED, TooLong, decompress, is_gzip
from server.http.direct_write import whole_body
from server.http.request import HttpRequest


class PayloadTooLarge(InvalidInput):
    """The body is larger than the setting allows."""


class BodyTimeout(InvalidInput):
    """The body did not arrive in time."""


class UnsupportedMediaType(InvalidInput):
    """The body is not JSON in UTF-8."""


class UnsupportedContentCoding(UnsupportedMediaType):
    """The body has another content coding than gzip."""


class BodyReader:
    """Reads bodies of at most ``max_bytes`` bytes that arrive within ``timeout`` seconds.

    A body in gzip may have ``max_bytes`` bytes both compressed and decompressed.
    """

    def __init__(self, max_bytes: int, timeout: float) -> None:
        self._max_bytes = max_bytes
        self._deadlines = Deadlines(timeout)

    async def read(self, request: HttpRequest) -> bytes:
        """Return the whole body, decompressed.

        Raises PayloadTooLarge as soon as the body is known to be too large, BodyTimeout if it does
        not arrive in time, UnsupportedContentCoding if its coding is neither gzip nor none, and
        InvalidInput if the client disconnects before its end or the gzip is invalid.
        """
        coding = request.header(b"content-encoding")
        compressed = coding is not None and is_gzip(coding)
        if compressed is None:
            raise UnsupportedContentCoding.of("Content-Encoding", coding, f"{ACCEPTED}, or none")
        body = await self._receive(request)
        if not compressed:
            return body
        try:
            return await decompress(body, self._max_bytes)
        except TooLong:
            raise self._too_large("when it is unpacked ") from None

    async def _receive(self, request: HttpRequest) -> bytes:
        whole = whole_body(request.receive)
        if whole is not None:
            if len(whole) > self._max_bytes:
                raise self._too_large()
            return whole
        declared = request.header(b"content-length") or ""
        if declared.isdecimal() and int(declared[:20]) > self._max_bytes:
            raise self._too_large()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read by a task")
        deadline = self._deadlines.start(task.cancel)
        try:
            return await self._read(request)
        except asyncio.CancelledError:
            if self._deadlines.end(deadline):
                raise
            task.uncancel()
            seconds = self._deadlines.seconds
            raise BodyTimeout(
                f"The body must arrive within {seconds:g} seconds (receive_timeout)",
                limit="receive_timeout",
            ) from None
        finally:
            self._deadlines.end(deadline)

    async def _read(self, request: HttpRequest) -> bytes:
        body = bytearray()
        more = True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise InvalidInput("The body ended before its end")
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise self._too_large()
            more = message.get("more_body", False)
        return bytes(body)

    def _too_large(self, when: str = "") -> PayloadTooLarge:
        return PayloadTooLarge(
            f"The body must have at most {self._max_bytes} bytes {when}(max_body_bytes)",
            limit="max_body_bytes",
        )
