"""Complete responses and bodies, passed by without ASGI's messages.

ASGI takes a response in two messages, and uvicorn searches every header of every response with two
patterns. A body that arrived with its head needs neither waiting nor a deadline.

A server, and every layer between it and an endpoint, offers this by an object whose methods
``send`` and ``receive`` are ASGI's, and which also has ``write_response`` and ``take_body``.
"""

import functools
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Send

Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""
WriteResponse = Callable[[int, bytes, bytes], bool]
"""Writes a status, ``encoded`` headers without ``content-length``, and a body.

Returns whether that was possible. If not, nothing was written, and the response must be sent as
ASGI messages, which can wait for a slow reader.
"""


def writer_for(send: Send) -> WriteResponse | None:
    """Return the ``write_response`` beside ``send``, or None if ``send`` needs the messages."""
    write: WriteResponse | None = getattr(getattr(send, "__self__", None), "write_response", None)
    return write


def whole_body(receive: Receive) -> bytes | None:
    """Take the body of a request if it has arrived and ``receive`` allows it, or return None.

    Afterwards ``receive`` waits for a disconnect.
    """
    take: Any = getattr(getattr(receive, "__self__", None), "take_body", None)
    body: bytes | None = None if take is None else take()
    return body


@functools.lru_cache(64)
def encoded(headers: tuple[Header, ...]) -> bytes | None:
    """Return headers as lines of HTTP/1.1, or None if they need uvicorn's handling.

    A line break in a value could forge a header, and uvicorn acts on headers about the connection.
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
