"""The errors a caller can be told about.

    GatewayError
    ├── InvalidInput         the caller asked for something that can't be
    └── ServiceUnavailable   the database can't answer at the moment
        ├── TookTooLong      it would, but not within the time that a statement has
        └── UncertainWrite   a write was sent, and nobody knows whether it was made

Each class carries its machine-readable code, from the vocabulary of Apollo's
clients. An edge maps ``GatewayError`` once; anything else that is raised is a
fault of ours, to be logged, and answered without its text.
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
        """The setting that was passed, where it was one."""


class InvalidInput(GatewayError):
    """An argument was wrong; the message says which, what it was and what would be right."""

    code = "BAD_USER_INPUT"

    @classmethod
    def of(
        cls, field: str, value: object, expected: str, *, limit: str | None = None
    ) -> "InvalidInput":
        """Build the usual message: the field, the value it had, and what it should have been."""
        return cls(f"{field} must be {expected}; got {quote(value)}", limit=limit)


class ServiceUnavailable(GatewayError):
    """The database is busy, full or out of reach; the same request may work later."""

    code = "SERVICE_UNAVAILABLE"


class TookTooLong(ServiceUnavailable):
    """A statement was ended because it took longer than one may."""


class UncertainWrite(ServiceUnavailable):
    """A write was sent, and how it ended is not known; it is never made again by the gateway."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}; the write may have been made: it was made as a whole or not at all, so "
            "look before you try again"
        )


def quote(value: object) -> str:
    """Show a caller's own value in a message, shortened when it is long.

    It takes no longer for a value of a megabyte than for a short one.
    """
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _LONGEST_QUOTE:
            return f"{text[:_LONGEST_QUOTE]}… ({_size(value)})"
    return text


def _pieces(value: object) -> Iterator[str]:
    """Yield what ``repr`` writes, of texts only the beginning."""
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
