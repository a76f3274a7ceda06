"""The codings of contents (RFC 9110, section 8.4): what a request's body may be packed in."""

import asyncio
import zlib

from db.errors import InvalidInput

ACCEPTED = "gzip"
"""What ``Accept-Encoding`` says in an answer to a body in any other coding."""

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 262_144
_MOST_MEMBERS = 16
_NAMES = {"": False, "identity": False, "gzip": True, "x-gzip": True}


class TooLong(Exception):
    """The content would be longer than it may be."""


def is_packed(content_encoding: str | None) -> bool | None:
    """Whether a Content-Encoding header says gzip; None when it says what is not known here."""
    return _NAMES.get((content_encoding or "").strip().lower())


async def unpack(packed: bytes, longest: int) -> bytes:
    """Unpack gzip of at most ``longest`` bytes, which is never held to more than that.

    Lets others have their turn after every 256 KiB. Raises TooLong when there would be more, and
    InvalidInput when it is no gzip, breaks off, has anything behind it, or has more than 16
    members.
    """
    content = bytearray()
    rest = packed
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            room = min(_STEP, longest + 1 - len(content))
            try:
                part = member.decompress(rest, room)
            except zlib.error as error:
                raise InvalidInput(f"The body must be gzip (Content-Encoding): {error}") from None
            content += part
            if len(content) > longest:
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
