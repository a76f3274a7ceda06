"""Responses and bodies that are there in one piece, written and read past ASGI's messages.

ASGI takes a response in two messages, and uvicorn searches every header of every response with two
patterns. A body that came with its head need not be waited for, and needs no deadline.

A server, and whatever stands between it and an endpoint, offers this by an object whose methods
``send`` and ``receive`` are ASGI's, and which has ``write_response`` and ``take_body`` beside them.
"""

import functools
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Send

Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""
WriteResponse = Callable[[int, bytes, bytes], bool]
"""Writes a status, ``encoded`` headers other than ``content-length``, and a body.

Returns whether it did. When it did not, nothing was written, and the response must be sent as
ASGI's messages, which can wait for a client that reads slowly.
"""


def writer_for(send: Send) -> WriteResponse | None:
    """The ``write_response`` beside ``send``; None where it may want to see the messages."""
    write: WriteResponse | None = getattr(getattr(send, "__self__", None), "write_response", None)
    return write


def whole_body(receive: Receive) -> bytes | None:
    """Take the body of a request if all of it is here and ``receive`` allows it; else None.

    From then on ``receive`` waits for the client to go away.
    """
    take: Any = getattr(getattr(receive, "__self__", None), "take_body", None)
    body: bytes | None = None if take is None else take()
    return body


@functools.lru_cache(64)
def encoded(headers: tuple[Header, ...]) -> bytes | None:
    """Headers as lines of HTTP/1.1; None for those that have to be looked at one by one.

    A line break within a value would let it forge a header. A header about the connection is left
    to uvicorn, which acts on it.
    """
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    count = len(headers)
    is_sound = (
        lines.count(b"\n") == count
        and lines.count(b"\r") == count
        and b"\0" not in lines
        and b"connection:" not in lines
    )
    return lines if is_sound else None
