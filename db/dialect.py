"""SQL that must be written differently for each database, in one place."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    UnaryExpression,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.operators import custom_op

CASEFOLD = "gateway_casefold"
"""The SQL function that folds case in every script; SQLite's own ``lower`` knows only ASCII."""


def listed(values: tuple[str, ...]) -> tuple[str, ...]:
    """Many texts as the parameters that ``among_listed`` takes.

    All of them travel as one, because SQLite limits how many parameters a statement has. Its
    JSON functions end a text at a null character, so the few that have one travel alone.
    """
    plain = [value for value in values if "\0" not in value]
    return (json.dumps(plain), *(value for value in values if "\0" in value))


def among_listed(
    needle: ColumnElement[Any], bound: tuple[ColumnElement[Any], ...]
) -> ColumnElement[bool]:
    """Whether a text is one of those that ``listed`` made parameters of."""
    each = func.json_each(bound[0]).table_valued(column("value", String))
    found = needle.in_(select(each.c.value))
    return or_(found, needle.in_(bound[1:])) if len(bound) > 1 else found


def each_of(values: tuple[str, ...]) -> ColumnElement[str]:
    """A column that has each of a few texts in turn."""
    rows = func.json_each(literal(json.dumps(values))).table_valued(column("value", String))
    each: ColumnElement[str] = rows.c.value
    return each


def least(values: Sequence[Any]) -> Any:
    """The least of some values."""
    return func.min(*values) if len(values) > 1 else values[0]


def greatest(values: Sequence[Any]) -> Any:
    """The greatest of some values."""
    return func.max(*values) if len(values) > 1 else values[0]


def folded(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """A text with case folded as ``str.casefold`` does."""
    fold: ColumnElement[Any] = getattr(func, CASEFOLD)(text, type_=String)
    return fold


def off_index(hidden: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column that the planner is not to look for in an index."""
    return UnaryExpression(hidden, operator=custom_op("+"), type_=hidden.type)
