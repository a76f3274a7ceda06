"""What statements say of which SQL differs from one kind of database to another.

Each of these is written out by ``db.sqlite.sql`` and ``db.postgres.sql``, the one place for each
kind of database.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, String, column, literal, or_
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from db.texts import is_broken


class Least(FunctionElement[int]):
    """The least of some numbers."""

    type = BigInteger()
    inherit_cache = True


class Greatest(FunctionElement[int]):
    """The greatest of some numbers."""

    type = BigInteger()
    inherit_cache = True


class Folded(FunctionElement[str]):
    """A text with case folded in every script, as ``db.casefolding.fold`` does."""

    type = String()
    inherit_cache = True


class PlaceOf(FunctionElement[int]):
    """Where a text has another one in it, from 1; 0 when it has not. No character is special."""

    type = BigInteger()
    inherit_cache = True


class Exact(FunctionElement[str]):
    """A text that is a parameter, which may travel as its bytes."""

    type = String()
    inherit_cache = True


class Shown(FunctionElement[str]):
    """A text with U+FFFD where it is not UTF-8."""

    type = String()
    inherit_cache = True


class OffIndex(FunctionElement[Any]):
    """A column that the planner is not to look for in an index."""

    inherit_cache = True


class Apart(FunctionElement[bool]):
    """A condition in brackets, which is not joined with those around it."""

    type = Boolean()
    inherit_cache = True


class EachOf(FunctionElement[str]):
    """Rows of the values of a list that travels as one parameter."""

    type = String()
    inherit_cache = True


class Listed(FunctionElement[str]):
    """The values of a list that travels as one parameter, in brackets."""

    type = String()
    inherit_cache = True


class ListedEscaped(FunctionElement[str]):
    """The same where values were written by ``listed`` because of null characters."""

    type = String()
    inherit_cache = True


def write_as(kind: str, forms: Mapping[type[Any], str]) -> None:
    """Let the dialect ``kind`` write each construct in its form, around what it holds."""

    def write(element: Any, compiler: Any, **options: Any) -> str:
        return forms[type(element)].format(compiler.process(element.clauses, **options))

    for construct in forms:
        compiles(construct, kind)(write)


def listed(values: tuple[str, ...]) -> tuple[str | None, ...]:
    """Many texts as the parameters that ``among_listed`` takes.

    All of them travel as one, because databases limit how many parameters a statement has, and
    lists of all lengths make one statement. JSON functions know no null character: where there is
    one, it is written as two others, which a second parameter says. The few texts that are not
    UTF-8 are parameters of their own behind it.
    """
    written = json.dumps(values)
    broken = list(filter(is_broken, values)) if "\\udc" in written else []
    if "\\u0000" not in written and not broken:
        return (written,)
    plain = [_escaped(value) for value in values if not is_broken(value)]
    return (json.dumps(plain), None, *broken)


def _escaped(value: str) -> str:
    return value.replace("\1", "\1a").replace("\0", "\1b")


def among_listed(
    needle: ColumnElement[Any], bound: tuple[ColumnElement[Any], ...]
) -> ColumnElement[bool]:
    """Whether a text is one of those that ``listed`` made parameters of."""
    values = Listed(bound[0]) if len(bound) == 1 else ListedEscaped(bound[0])
    found: ColumnElement[bool] = needle.bool_op("IN")(values)
    return or_(found, needle.in_(bound[2:])) if len(bound) > 2 else found


def each_of(values: tuple[str, ...]) -> ColumnElement[str]:
    """A column that has each of a few texts in turn."""
    rows = EachOf(literal(json.dumps(values))).table_valued(column("value", String))
    each: ColumnElement[str] = rows.c.value
    return each


def least(values: Sequence[Any]) -> Any:
    """The least of some values."""
    return Least(*values) if len(values) > 1 else values[0]


def greatest(values: Sequence[Any]) -> Any:
    """The greatest of some values."""
    return Greatest(*values) if len(values) > 1 else values[0]


def off_index(hidden: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column that the planner is not to look for in an index."""
    off: ColumnElement[Any] = OffIndex(hidden)
    off.type = hidden.type
    return off


def has_count_deltas(dialect: Dialect) -> bool:
    """Whether what was written since is noted beside the counts, and not in them yet."""
    return dialect.name != "sqlite"


def has_lateral(dialect: Dialect) -> bool:
    """Whether a join may ask for the first rows of each row before it."""
    return dialect.name != "sqlite"


def keeps_order(dialect: Dialect) -> bool:
    """Whether rows come out of a subquery, or of one part of a union after another, as they are."""
    return dialect.name == "sqlite"


def pays_for_messages(dialect: Dialect) -> bool:
    """Whether each statement goes to a server and back, so that one is better than several."""
    return dialect.name != "sqlite"


def enters_row_values(dialect: Dialect) -> bool:
    """Whether an index is entered at a whole row value, and not at its first column only."""
    return dialect.name != "sqlite"
