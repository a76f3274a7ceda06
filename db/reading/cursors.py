"""Cursors: positions in an order as opaque texts, which clients send back to continue there.

Orders by a time or the duration, which are by far the most common, have cursors that are encoded
for a whole page at once. The values of a position, side by side, form one large number. It is
multiplied by a prime, and the number of its order is added, so only one number in a trillion is a
valid cursor; the text is its hexadecimal digits.

Other orders, and positions with a null in them, have cursors of JSON with a checksum, in base64.
"""

import binascii
import functools
import hashlib
import itertools
import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from db.columns import COLUMNS, Column, Kind
from db.errors import InvalidInput, quote
from db.instants import EARLIEST_MS, LATEST_MS
from db.reading.paging import Order, Position, Term, total_order
from db.texts import bytes_of, is_broken, read_text

LONGEST_CURSOR = 65_536
"""The maximum length of a cursor; the texts of a position make it long."""

PageEncoder = Callable[[Sequence[Sequence[Any]]], list[str]]
"""Returns a cursor for each row of a page."""


def encode_cursor(position: Position, order: Order) -> str:
    """Encode a position as an opaque cursor that only its own order accepts."""
    return cursor_encoder(order)(position)


@functools.lru_cache(maxsize=1_000)
def cursor_encoder(order: Order) -> Callable[[Position], str]:
    """Return the function that encodes positions in an order."""
    return _form_of(order).encode


@functools.lru_cache(maxsize=1_000)
def page_encoder(order: Order, fields: tuple[str, ...] | None = None) -> PageEncoder:
    """Return a function that encodes a page of rows, several times as fast as one by one.

    ``fields`` names the columns of a row; without it, rows are positions.
    """
    form = _form_of(order)
    indexes = range(len(order)) if fields is None else [fields.index(term.field) for term in order]
    return lambda rows: form.encode_page(rows, indexes)


def decode_cursor(cursor: str, order: Order, argument: str) -> Position:
    """Decode a cursor; ``argument`` is the name of its argument, for the message.

    Raises InvalidInput if the gateway did not make it, it was changed, it belongs to another order,
    or a value can't be in its column: anybody can compute the checksum.
    """
    read = None
    if len(cursor) <= LONGEST_CURSOR:
        read = _read_numbers(cursor) or _read_json(cursor)
    if read is None:
        raise _not_ours(cursor, argument)
    signature, position = read
    if signature != _signature(order):
        raise InvalidInput(
            f"{argument} is a cursor of a list in another order ({quote(signature)}); "
            f"this list is ordered by {_signature(order)}: begin again without {argument}"
        )
    if len(position) != len(order) or not all(
        _can_hold(COLUMNS[term.field], value) for term, value in zip(order, position, strict=True)
    ):
        raise _not_ours(cursor, argument)
    return position


def _not_ours(cursor: str, argument: str) -> InvalidInput:
    return InvalidInput.of(argument, cursor, "a cursor taken unchanged from an earlier page")


@functools.lru_cache(maxsize=1_000)
def _signature(order: Order) -> str:
    return ", ".join(f"{term.field} {'desc' if term.descending else 'asc'}" for term in order)


_LONGEST_MS = LATEST_MS - EARLIEST_MS
# The least and the greatest value of the columns that are numbers.
_RANGES = {
    Kind.ID: (-(2**63), 2**63 - 1),
    Kind.INSTANT: (EARLIEST_MS, LATEST_MS),
    Kind.DURATION: (-_LONGEST_MS, _LONGEST_MS),
}


def _can_hold(column: Column, value: Any) -> bool:
    if value is None:
        return column.is_nullable
    if column.kind is Kind.TEXT:
        return type(value) is str
    least, greatest = _RANGES[column.kind]
    # A bool is an int to isinstance.
    return type(value) is int and least <= value <= greatest


# Any change of one or two characters, or within nine in a row, leaves a remainder.
_PRIME = 10**12 + 39
_SEAL = 0x9E3779B97F4A7C15
_SEAL_BYTES = 6
_AT_ONCE = 50


def _orders_of_numbers() -> list[Order]:
    """Return the orders whose cursors are numbers. Their indexes are in cursors: only append."""
    directions = (True, False)
    return [
        total_order(map(Term, fields, descending))
        for fields in (
            ("created_on",),
            ("updated_on",),
            ("created_on", "updated_on"),
            ("updated_on", "created_on"),
            ("finished_on",),
            ("duration_ms",),
        )
        for descending in itertools.product(directions, repeat=len(fields))
    ]


_ORDERS_OF_NUMBERS = _orders_of_numbers()
_NUMBER_OF = {order: number for number, order in enumerate(_ORDERS_OF_NUMBERS, start=1)}


class _Numbers:
    """The cursors of an order by integers."""

    def __init__(self, order: Order, number: int) -> None:
        self._order = order
        self._values = struct.Struct(f">{len(order)}q")
        self._room = self._values.size
        self.bytes = self._room + _SEAL_BYTES
        # The number of the order is the first byte, and changes the remainder of all others.
        self._seal = number * ((1 << 8 * (self.bytes - 1)) + _SEAL)
        # One for each number of rows up to _AT_ONCE.
        self._layouts: dict[int, tuple[Callable[..., bytes], int]] = {}

    def encode(self, position: Sequence[Any]) -> str:
        """Write one position as a cursor."""
        try:
            packed = self._values.pack(*position)
        except struct.error:
            # A time is null while an execution is in progress.
            return _Json(self._order).encode(position)
        return (int.from_bytes(packed) * _PRIME + self._seal).to_bytes(self.bytes).hex()

    def encode_page(self, rows: Sequence[Sequence[Any]], indexes: Sequence[int]) -> list[str]:
        """Write a cursor for each row, whose values stand at ``indexes``."""
        if len(rows) > _AT_ONCE:
            parts = (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))
            return [cursor for part in parts for cursor in self.encode_page(part, indexes)]
        values: list[int] = []
        add = values.append
        if len(indexes) == 2:
            # A time and the id, as nearly always: this takes half as long as the general way.
            first, second = indexes
            for row in rows:
                add(row[first])
                add(row[second])
        else:
            values = [row[index] for row in rows for index in indexes]
        count = len(rows)
        pack, seals = self._layouts.get(count) or self._lay_out(count)
        try:
            packed = pack(*values)
        except struct.error:
            return [self.encode([row[index] for index in indexes]) for row in rows]
        sealed = int.from_bytes(packed) * _PRIME + seals
        width = self.bytes
        return sealed.to_bytes(count * width).hex(",", width).split(",") if rows else []

    def _lay_out(self, count: int) -> tuple[Callable[..., bytes], int]:
        seals = sum(self._seal << 8 * self.bytes * index for index in range(count))
        pack = struct.Struct(">" + f"{_SEAL_BYTES}x{len(self._order)}q" * count).pack
        return self._layouts.setdefault(count, (pack, seals))

    def decode(self, number: int) -> Position | None:
        """The position in a number; None if it is in none that ``encode`` makes."""
        value, rest = divmod(number - self._seal, _PRIME)
        if rest or not 0 <= value < 1 << 8 * self._room:
            return None
        return self._values.unpack(value.to_bytes(self._room))


def _read_numbers(cursor: str) -> tuple[str, Position] | None:
    try:
        raw = bytes.fromhex(cursor)
    except ValueError:
        return None
    # Only one way to write the digits is ours.
    if not raw or raw.hex() != cursor or not 1 <= raw[0] <= len(_ORDERS_OF_NUMBERS):
        return None
    order = _ORDERS_OF_NUMBERS[raw[0] - 1]
    form = _form_of(order)
    if not isinstance(form, _Numbers) or len(raw) != form.bytes:
        return None
    position = form.decode(int.from_bytes(raw))
    return None if position is None else (_signature(order), position)


_CHECKSUM_BYTES = 6
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# What is not of the alphabet for URLs must not become a part of the other one.
_FROM_URL_SAFE = bytes.maketrans(b"-_+/", b"+/!!")


class _Json:
    """The cursors of any order."""

    def __init__(self, order: Order) -> None:
        self._signature = _signature(order)

    def encode_page(self, rows: Sequence[Sequence[Any]], indexes: Sequence[int]) -> list[str]:
        """Write a cursor for each row, whose values stand at ``indexes``."""
        return [self.encode([row[index] for index in indexes]) for row in rows]

    def encode(self, position: Sequence[Any]) -> str:
        """Write one position as a cursor."""
        try:
            content = orjson.dumps((self._signature, *position))
        except orjson.JSONEncodeError:
            content = orjson.dumps((self._signature, *map(_writable, position)))
        return _as_text(_checksum(content) + content)


@functools.lru_cache(maxsize=1_000)
def _form_of(order: Order) -> _Numbers | _Json:
    number = _NUMBER_OF.get(order)
    return _Json(order) if number is None else _Numbers(order, number)


def _read_json(cursor: str) -> tuple[str, Position] | None:
    raw = _raw(cursor)
    checksum, content = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    # Base64 has bits to spare in its last character; only one way to write them is ours.
    if not content or checksum != _checksum(content) or _as_text(raw) != cursor:
        return None
    try:
        # It refuses lone surrogates, NaN, and what is nested deeper than the stack.
        decoded = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    match decoded:
        case [str(signature), *written]:
            return signature, tuple(map(_from_writable, written))
    return None


def _writable(value: Any) -> Any:
    """Return a value for JSON: a text that is not UTF-8 becomes its bytes, in a list of one."""
    return [bytes_of(value).hex()] if isinstance(value, str) and is_broken(value) else value


def _from_writable(value: Any) -> Any:
    match value:
        case [str(digits)]:
            try:
                return read_text(bytes.fromhex(digits))
            except ValueError:
                return value
    return value


def _raw(cursor: str) -> bytes:
    """Return the bytes of a base64 text, or none if it is invalid."""
    try:
        text = cursor.encode("ascii").translate(_FROM_URL_SAFE) + b"=" * (-len(cursor) % 4)
        return a2b_base64(text, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""


def _as_text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).rstrip(b"=").decode()


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, person=b"cursor-1").digest()
