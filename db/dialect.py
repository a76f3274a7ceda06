"""SQL constructs that differ between databases.

``db.sqlite.sql`` and ``db.postgres.sql`` render each of them. Where the form of a whole statement
differs, a function at the end of this module says why.
"""

import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    LargeBinary,
    Select,
    String,
    Subquery,
    column,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from db.texts import bytes_of, is_broken, read_text


class Least(FunctionElement[int]):
    """The smallest of several numbers."""

    type = BigInteger()
    inherit_cache = True


class Greatest(FunctionElement[int]):
    """The largest of several numbers."""

    type = BigInteger()
    inherit_cache = True


class Now(FunctionElement[int]):
    """The current time by the database's clock, in epoch milliseconds."""

    type = BigInteger()
    inherit_cache = True


class Folded(FunctionElement[str]):
    """A text with its case folded as by ``db.casefolding.fold``."""

    type = String()
    inherit_cache = True


class PositionOf(FunctionElement[int]):
    """The position of one text within another, from 1; 0 if it is not there. No wildcards."""

    type = BigInteger()
    inherit_cache = True


class Octets(FunctionElement[int]):
    """The length of a text in bytes of UTF-8."""

    type = BigInteger()
    inherit_cache = True


class Exact(FunctionElement[str]):
    """A text parameter, which may be sent as bytes."""

    type = String()
    inherit_cache = True


class Shown(FunctionElement[str]):
    """A text with U+FFFD in place of bytes that are not UTF-8."""

    type = String()
    inherit_cache = True


class OffIndex(FunctionElement[Any]):
    """A column for which the planner should not use an index."""

    inherit_cache = True


class MonthStart(FunctionElement[int]):
    """The start of the month, in UTC, that contains a whole hour; both in epoch milliseconds."""

    type = BigInteger()
    inherit_cache = True


class Parenthesized(FunctionElement[bool]):
    """A condition in parentheses, which keeps SQLAlchemy from flattening it."""

    type = Boolean()
    inherit_cache = True


class EachOf(FunctionElement[str]):
    """The values of a list, sent as one parameter, as rows."""

    type = String()
    inherit_cache = True


class NameKey(FunctionElement[str]):
    """What the name of an agentflow is sorted by: as much of it as an index can hold."""

    type = String()
    inherit_cache = True


class Unescaped(FunctionElement[str]):
    """A text that ``listed`` has escaped because of null characters."""

    type = String()
    inherit_cache = True


class Unhexed(FunctionElement[str]):
    """A text from the hexadecimal digits of its bytes, which are not UTF-8."""

    type = String()
    inherit_cache = True


class Listed(FunctionElement[str]):
    """The values of a list, sent as one parameter, as a subquery for ``IN``."""

    type = String()
    inherit_cache = True


class ListedEscaped(FunctionElement[str]):
    """The same for values that ``listed`` has escaped because of null characters."""

    type = String()
    inherit_cache = True


class ListedNumbers(FunctionElement[int]):
    """The numbers of a list, sent as one JSON parameter, as a subquery for ``IN``."""

    type = BigInteger()
    inherit_cache = True


class Identity(FunctionElement[int]):
    """A hash of a text with 64 bits, the same for all of a process."""

    type = BigInteger()
    inherit_cache = True


class Packed(FunctionElement[bytes]):
    """Two numbers of every row, as bytes, which ``unpacked`` reads."""

    type = LargeBinary()
    inherit_cache = True


def write_as(kind: str, forms: Mapping[type[Any], str]) -> None:
    """Register how the dialect ``kind`` renders each construct around its arguments."""

    def write(element: Any, compiler: Any, **options: Any) -> str:
        return forms[type(element)].format(compiler.process(element.clauses, **options))

    for construct in forms:
        compiles(construct, kind)(write)


def listed(values: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return many texts as the parameters that ``among_listed`` takes.

    They are sent as one JSON list, because databases limit the number of parameters, and because
    lists of all lengths then share one statement. JSON functions can't handle null characters, so
    these are escaped where they occur, which a second parameter indicates. Texts that are not UTF-8
    follow as a third one, a list of the digits of their bytes.
    """
    written = json.dumps(values)
    broken = list(filter(is_broken, values)) if "\\udc" in written else []
    if "\\u0000" not in written and not broken:
        return (written,)
    plain = [_escaped(value) for value in values if not is_broken(value)]
    if not broken:
        return (json.dumps(plain), None)
    return (json.dumps(plain), None, json.dumps([bytes_of(value).hex() for value in broken]))


def unlisted(parameters: tuple[str | None, ...]) -> frozenset[str]:
    """Return the texts that ``listed`` turned into parameters."""
    values: list[str] = json.loads(parameters[0] or "[]")
    if len(parameters) == 1:
        return frozenset(values)
    plain = (value.replace("\1b", "\0").replace("\1a", "\1") for value in values)
    digits: list[str] = json.loads(parameters[2] or "[]") if len(parameters) > 2 else []
    return frozenset([*plain, *(read_text(bytes.fromhex(each)) for each in digits)])


def _escaped(value: str) -> str:
    return value.replace("\1", "\1a").replace("\0", "\1b")


def among_listed(
    needle: ColumnElement[Any], bound: tuple[ColumnElement[Any], ...]
) -> ColumnElement[bool]:
    """Whether a text is one of those that ``listed`` turned into parameters."""
    values = Listed(bound[0]) if len(bound) == 1 else ListedEscaped(bound[0])
    found: ColumnElement[bool] = needle.bool_op("IN")(values)
    return or_(found, needle.in_(_broken(bound[2]))) if len(bound) > 2 else found


def each_listed(bound: tuple[ColumnElement[Any], ...]) -> Subquery:
    """The texts that ``listed`` turned into parameters as rows, with the one column ``value``."""
    rows = EachOf(bound[0]).table_valued(column("value", String))
    if len(bound) == 1:
        return select(rows.c.value).subquery("listed")
    unescaped = select(Unescaped(rows.c.value).label("value"))
    broken = [_broken(each) for each in bound[2:]]
    return union_all(unescaped, *broken).subquery("listed")


def _broken(bound: ColumnElement[Any]) -> Select[Any]:
    """The texts that are not UTF-8 of those that ``listed`` turned into parameters."""
    rows = EachOf(bound).table_valued(column("value", String))
    return select(Unhexed(rows.c.value).label("value"))


def unpacked(dialect: Dialect, packed: bytes | None) -> "array[int]":
    """Return the numbers of ``Packed``, two for each row."""
    numbers = array("q")
    numbers.frombytes(packed or b"")
    if dialect.name != "sqlite" and sys.byteorder == "little":
        # A server sends the most significant byte first.
        numbers.byteswap()
    return numbers


def each_of(values: tuple[str, ...]) -> ColumnElement[str]:
    """A column with each of a few texts in turn."""
    rows = EachOf(literal(json.dumps(values))).table_valued(column("value", String))
    each: ColumnElement[str] = rows.c.value
    return each


def least(values: Sequence[Any]) -> Any:
    """The smallest of several values."""
    return Least(*values) if len(values) > 1 else values[0]


def greatest(values: Sequence[Any]) -> Any:
    """The largest of several values."""
    return Greatest(*values) if len(values) > 1 else values[0]


def off_index(indexed: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column for which the planner should not use an index."""
    off: ColumnElement[Any] = OffIndex(indexed)
    off.type = indexed.type
    return off


def has_count_deltas(dialect: Dialect) -> bool:
    """Whether recent writes are in deltas beside the counts, and not yet in them."""
    return dialect.name != "sqlite"


def locks_rows(dialect: Dialect) -> bool:
    """Whether writers lock the rows that they write, and not the whole database."""
    return dialect.name != "sqlite"


def has_broken_texts(dialect: Dialect) -> bool:
    """Whether stored texts may not be UTF-8."""
    return dialect.name == "sqlite"


def has_lateral(dialect: Dialect) -> bool:
    """Whether a joined subquery can refer to each row before it."""
    return dialect.name != "sqlite"


def skips_in_indexes(dialect: Dialect) -> bool:
    """Whether a range is found in an index whose columns before it are not compared."""
    return dialect.name != "sqlite"


def keeps_order(dialect: Dialect) -> bool:
    """Whether subqueries and parts of a union keep the order of their rows."""
    return dialect.name == "sqlite"


def pays_for_messages(dialect: Dialect) -> bool:
    """Whether each statement is a round trip to a server, so that one beats several."""
    return dialect.name != "sqlite"


def enters_row_values(dialect: Dialect) -> bool:
    """Whether an index seek uses a whole row value, and not its first column only."""
    return dialect.name != "sqlite"


def leaves_out_ties(dialect: Dialect) -> bool:
    """Whether an order must not name an expression that a condition makes the same in all rows.

    SQLite would sort the rows, although an index on the expression has them in order. PostgreSQL
    would sort them without it, if the condition is that the expression is null.
    """
    return dialect.name == "sqlite"
