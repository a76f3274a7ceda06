"""The errors that callers can be told about.

    GatewayError
    ├── InvalidInput         the caller asked for something impossible
    ├── EventsExpired        the events after a cursor are no longer kept
    └── ServiceUnavailable   the database can't answer at the moment
        ├── TookTooLong      a statement exceeded its time limit
        └── UncertainWrite   a write was sent, and its outcome is unknown

Each class has a machine-readable code, from the vocabulary of Apollo's clients. Edges translate
``GatewayError``; any other exception is a bug, which is logged, and answered without its message.
"""

from collections.abc import Iterator
from typing import ClassVar

_LONGEST_QUOTE = 100
READ_TOO_LONG = (
    "The database took too long to answer (statement_timeout); "
    "ask for less, with a filter that is served by an index"
)
WRITE_TOO_LONG = "The write took too long (statement_timeout) and was undone; nothing was changed"


class GatewayError(Exception):
    """An error whose message is written for the caller."""

    code: ClassVar[str]

    def __init__(self, message: str, *, limit: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.limit = limit
        """The setting whose limit was passed, if any."""


class InvalidInput(GatewayError):
    """An argument is wrong; the message says which, its value, and what is allowed."""

    code = "BAD_USER_INPUT"

    @classmethod
    def of(
        cls, field: str, value: object, expected: str, *, limit: str | None = None
    ) -> "InvalidInput":
        """Build the usual message: the field, its value, and what is expected."""
        return cls(f"{field} must be {expected}; got {quote(value)}", limit=limit)


class EventsExpired(GatewayError):
    """The events after a cursor are no longer kept, or it is of another database."""

    code = "EVENTS_EXPIRED"

    def __init__(self) -> None:
        super().__init__(
            "The events after this cursor are no longer kept: load your list anew, together with "
            "its eventCursor, and follow from there"
        )


class ServiceUnavailable(GatewayError):
    """The database is busy, full or unreachable; the same request may work later."""

    code = "SERVICE_UNAVAILABLE"


class TookTooLong(ServiceUnavailable):
    """A statement exceeded its time limit and was ended."""


class UncertainWrite(ServiceUnavailable):
    """A write was sent and its outcome is unknown; the gateway never repeats it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{reason}; the write may have been made: it was made as a whole or not at all, so "
            "look before you try again"
        )


def quote(value: object) -> str:
    """Show a caller's value in a message, shortened if it is long.

    Takes no longer for a value of a megabyte than for a short one.
    """
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _LONGEST_QUOTE:
            return f"{text[:_LONGEST_QUOTE]}… ({_size(value)})"
    return text


def _pieces(value: object) -> Iterator[str]:
    """Yield the parts of ``repr``, with only the beginning of long texts."""
    if isinstance(value, str):
        yield repr(value[:_LONGEST_QUOTE])
        if len(value) > _LONGEST_QUOTE:
            yield "…"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield ", " if place else "["
            yield from _pieces(item)
        yield "]" if value else "[]"
    elif isinstance(value, dict):
        for place, (key, item) in enumerate(value.items()):
            yield ", " if place else "{"
            yield from _pieces(key)
            yield ": "
            yield from _pieces(item)
        yield "}" if value else "{}"
    else:
        yield repr(value)


def _size(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value):,} items"
    if isinstance(value, dict):
        return f"{len(value):,} entries"
    return f"{len(value) + 2 if isinstance(value, str) else len(repr(value)):,} characters"
