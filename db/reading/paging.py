"""Orders, positions in them, and the cursors that carry a position to a client and back.

A page begins after (or ends before) a position, which is the order's values of one row.
That is found through an index however deep it lies, and stays right while rows come and
go (keyset paging).
"""

import binascii
import functools
import hashlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, false, or_, tuple_

from db.errors import InvalidInput, quote
from db.instants import EARLIEST_MS, LATEST_MS
from db.source import ExecutionRow, ExecutionSource
from db.texts import bytes_of, is_broken, read_text

SORTABLE = ("created_on", "updated_on", "state", "agentflow_id", "session_id")
"""The fields that executions can be ordered by."""

LONGEST_CURSOR = 65_536
"""How many characters a cursor may have; the texts of a position make it long."""

LAST_PAGE = 2**31 - 1
"""The highest number that a numbered page may have."""

_NULLABLE = frozenset({"session_id"})
_CHECKSUM_BYTES = 6
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# What is not of the alphabet for URLs must not become a part of the other one.
_FROM_URL_SAFE = bytes.maketrans(b"-_+/", b"+/!!")


@dataclass(frozen=True, slots=True)
class Term:
    """One field of an order. Null is smaller than any value."""

    field: str
    descending: bool


Order = tuple[Term, ...]
Position = tuple[Any, ...]
BoundPosition = tuple[ColumnElement[Any] | None, ...]

NEWEST_FIRST: Order = (Term("created_on", True), Term("id", True))
"""The order when none is asked for."""


def total_order(terms: Iterable[Term]) -> Order:
    """Make an order in which no two rows are equal.

    Ties are broken by the time of creation, unless a time is among the terms, and then by id;
    both go the way of the last term. A field that comes again orders nothing. Without any term
    it is ``NEWEST_FIRST``.
    """
    given = tuple(terms)
    if not given:
        return NEWEST_FIRST
    last = given[-1].descending
    first_of_field: dict[str, Term] = {}
    for term in given:
        first_of_field.setdefault(term.field, term)
    if not first_of_field.keys() & {"created_on", "updated_on"}:
        first_of_field["created_on"] = Term("created_on", last)
    return (*first_of_field.values(), Term("id", last))


def reverse(order: Order) -> Order:
    """The same order from its other end."""
    return tuple(Term(term.field, not term.descending) for term in order)


def order_by(order: Order, source: ExecutionSource) -> list[ColumnElement[Any]]:
    """The ORDER BY of an order."""
    return [_ordered(source.column(term.field), term) for term in order]


def _ordered(column: ColumnElement[Any], term: Term) -> ColumnElement[Any]:
    ordered = column.desc() if term.descending else column.asc()
    if term.field not in _NULLABLE:
        return ordered
    # Said aloud, because databases differ in what they take null for.
    return ordered.nulls_last() if term.descending else ordered.nulls_first()


def position_of(row: ExecutionRow, order: Order) -> Position:
    """Where a row stands in an order."""
    return tuple(getattr(row, term.field) for term in order)


def beyond(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool = False
) -> ColumnElement[bool]:
    """The rows that come after a position in an order, or with ``inclusive`` stand at it.

    ``bound`` are the places of the position's values in the statement, and None for a null.
    """
    if is_uniform(order):
        columns = tuple_(*(source.column(term.field) for term in order))
        position = tuple_(*bound)
        if order[0].descending:
            return columns <= position if inclusive else columns < position
        return columns >= position if inclusive else columns > position
    return _beyond_terms(order, bound, source, inclusive=inclusive)


def branches_beyond(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool = False
) -> list[ColumnElement[bool]]:
    """The same rows in parts, nearest first; each part is one range of an index."""
    branches = []
    for place in reversed(range(len(order))):
        same = [
            _same(source.column(term.field), value)
            for term, value in zip(order[:place], bound[:place], strict=True)
        ]
        column, value, term = source.column(order[place].field), bound[place], order[place]
        is_last = place == len(order) - 1
        if inclusive and is_last:
            branches.append(and_(*same, column <= value if term.descending else column >= value))
        elif value is None:
            branches += [] if term.descending else [and_(*same, column.is_not(None))]
        else:
            branches.append(and_(*same, column < value if term.descending else column > value))
            if term.descending and term.field in _NULLABLE:
                branches.append(and_(*same, column.is_(None)))
    return branches


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def is_uniform(order: Order) -> bool:
    """Whether all terms go one way and none can be null."""
    directions = {term.descending for term in order}
    return len(directions) == 1 and not any(term.field in _NULLABLE for term in order)


def _beyond_terms(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool
) -> ColumnElement[bool]:
    column = source.column(order[0].field)
    value = bound[0]
    further = _further(column, value, order[0])
    same = _same(column, value)
    if len(order) == 1:
        return or_(further, same) if inclusive else further
    rest = _beyond_terms(order[1:], bound[1:], source, inclusive=inclusive)
    # Said again without the rest, so that an index can be entered at the position.
    return and_(or_(further, same), or_(further, and_(same, rest)))


def _further(column: ColumnElement[Any], value: Any, term: Term) -> ColumnElement[bool]:
    if value is None:
        return false() if term.descending else column.is_not(None)
    further: ColumnElement[bool] = column < value if term.descending else column > value
    return (
        or_(further, column.is_(None)) if term.descending and term.field in _NULLABLE else further
    )


def encode_cursor(position: Position, order: Order) -> str:
    """Write a position as an opaque cursor that only its own order accepts."""
    return cursor_encoder(order)(position)


@functools.lru_cache(maxsize=1_000)
def cursor_encoder(order: Order) -> Callable[[Position], str]:
    """The function that writes positions in an order as cursors."""
    signature = _signature(order)

    def encode(position: Position) -> str:
        try:
            content = orjson.dumps((signature, *position))
        except orjson.JSONEncodeError:
            content = orjson.dumps((signature, *map(_writable, position)))
        return _as_text(_checksum(content) + content)

    return encode


def decode_cursor(cursor: str, order: Order, argument: str) -> Position:
    """Read a cursor; ``argument`` is what it was passed as, for the message.

    Raises InvalidInput when it is not one of ours, was changed on its way, was made for another
    order, or holds what can't stand in a column of this one: anybody can make the checksum.
    """
    decoded = _decode_content(cursor)
    if not isinstance(decoded, list) or not decoded or not isinstance(decoded[0], str):
        raise _not_ours(cursor, argument)
    signature, *written = decoded
    position = tuple(map(_from_writable, written))
    if signature != _signature(order):
        raise InvalidInput(
            f"{argument} is a cursor of a list in another order ({quote(signature)}); "
            f"this list is ordered by {_signature(order)}: begin again without {argument}"
        )
    if len(position) != len(order) or not all(
        _CAN_HOLD[term.field](value) for term, value in zip(order, position, strict=True)
    ):
        raise _not_ours(cursor, argument)
    return position


def _writable(value: Any) -> Any:
    """A value as JSON can hold it: a text that is not UTF-8 as its bytes, in a list of one."""
    return [bytes_of(value).hex()] if isinstance(value, str) and is_broken(value) else value


def _from_writable(value: Any) -> Any:
    match value:
        case [str(digits)]:
            try:
                return read_text(bytes.fromhex(digits))
            except ValueError:
                return value
    return value


def _not_ours(cursor: str, argument: str) -> InvalidInput:
    return InvalidInput.of(argument, cursor, "a cursor taken unchanged from an earlier page")


def _decode_content(cursor: str) -> Any:
    """What a cursor holds; None if its checksum is wrong, or if it is no JSON."""
    if len(cursor) > LONGEST_CURSOR:
        return None
    raw = _raw(cursor)
    checksum, content = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    # Base64 has bits to spare in its last character; only one way to write them is ours.
    if not content or checksum != _checksum(content) or _as_text(raw) != cursor:
        return None
    try:
        # It refuses lone surrogates, NaN, and what is nested deeper than the stack.
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


# A bool is an int to isinstance.
def _is_id(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_instant(value: Any) -> bool:
    return type(value) is int and EARLIEST_MS <= value <= LATEST_MS


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_text_or_null(value: Any) -> bool:
    return value is None or type(value) is str


_CAN_HOLD: Mapping[str, Callable[[Any], bool]] = {
    "id": _is_id,
    "created_on": _is_instant,
    "updated_on": _is_instant,
    "state": _is_text,
    "agentflow_id": _is_text,
    "session_id": _is_text_or_null,
}


def _raw(cursor: str) -> bytes:
    """What a text encodes in base64; nothing if it encodes nothing."""
    try:
        text = cursor.encode("ascii").translate(_FROM_URL_SAFE) + b"=" * (-len(cursor) % 4)
        return a2b_base64(text, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""


def _as_text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).rstrip(b"=").decode()


@functools.lru_cache(maxsize=1_000)
def _signature(order: Order) -> str:
    return ", ".join(f"{term.field} {'desc' if term.descending else 'asc'}" for term in order)


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, person=b"cursor-1").digest()
