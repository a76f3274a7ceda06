"""Answers and bodies that are there in one piece, written and read in one step.

ASGI tells an answer in two messages, and uvicorn looks through every header of every answer with
two patterns. That takes a tenth of the time of a small request. A body that came with its head is
waited for by nobody, and needs no deadline.
"""

import functools
from collections.abc import Callable, Sequence

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

WriteResponse = Callable[[int, Sequence[tuple[bytes, bytes]], bytes], bool]
"""Writes a status, headers with names in lower case, ``content-length`` among them, and a body.

Says whether it did. When it did not, nothing was written, and the answer must be sent as ASGI's
messages, which can wait for a client that reads slowly.
"""


def writer_for(send: Send) -> WriteResponse | None:
    """The way to write an answer past ``send``, where that is uvicorn's own.

    What stands between passes such an answer on by a ``write`` of its own. None where it has none,
    since it may want to see or change the messages, and for a request that gets no body.
    """
    write: WriteResponse | None = getattr(send, "write", None)
    if write is not None:
        return write
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.scope["method"] == "HEAD":
        return None
    return functools.partial(_write, cycle)


def _write(
    cycle: RequestResponseCycle,
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
) -> bool:
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
        return False
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    fields = b"".join(lines)
    if not _is_sound(fields, len(lines)):
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
    cycle.transport.writelines((STATUS_LINE[status] + fields + end, body))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def _is_sound(fields: bytes, count: int) -> bool:
    # A line break inside a value would let it forge a header. A header that says what becomes of
    # the connection is left to uvicorn, which acts on it.
    return (
        fields.count(b"\n") == count
        and fields.count(b"\r") == count
        and b"\0" not in fields
        and b"connection:" not in fields
    )


def whole_body(receive: Receive) -> bytes | None:
    """The body of a request where all of it is here and ``receive`` is uvicorn's own, else None.

    It is taken: ``receive`` waits for the client to go away from then on.
    """
    cycle = getattr(receive, "__self__", None)
    if (
        not isinstance(cycle, RequestResponseCycle)
        or cycle.more_body
        or cycle.disconnected
        or cycle.response_complete
        or cycle.waiting_for_100_continue
        or cycle.flow.read_paused
    ):
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.message_event.clear()
    return body
