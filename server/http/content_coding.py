"""Content codings of request bodies (RFC 9110, section 8.4): gzip, or none."""

import asyncio
import zlib

from db.errors import InvalidInput

ACCEPTED = "gzip"
"""The ``Accept-Encoding`` header of a response that refuses another coding."""

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 262_144
_MOST_MEMBERS = 16
_NAMES = {"": False, "identity": False, "gzip": True, "x-gzip": True}


class TooLong(Exception):
    """The decompressed content would exceed the limit."""


def is_gzip(content_encoding: str | None) -> bool | None:
    """Whether a Content-Encoding header says gzip; None for an unsupported coding."""
    return _NAMES.get((content_encoding or "").strip().lower())


async def decompress(compressed: bytes, max_bytes: int) -> bytes:
    """Decompress gzip to at most ``max_bytes`` bytes, without ever holding more.

    Lets other tasks run after every 256 KiB. Raises TooLong if there is more, and InvalidInput if
    it is not gzip, is truncated, is followed by other data, or has more than 16 members.
    """
    content = bytearray()
    rest = compressed
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            room = min(_STEP, max_bytes + 1 - len(content))
            try:
                part = member.decompress(rest, room)
            except zlib.error as error:
                raise InvalidInput(f"The body must be gzip (Content-Encoding): {error}") from None
            content += part
            if len(content) > max_bytes:
                raise TooLong
            rest = member.unconsumed_tail
            if len(part) == room:
                await asyncio.sleep(0)
            elif not member.eof:
                raise InvalidInput("The body is gzip (Content-Encoding) and breaks off")
        rest = member.unused_data
        if not rest:
            return bytes(content)
    raise InvalidInput(f"The body is gzip of more than {_MOST_MEMBERS} members")
