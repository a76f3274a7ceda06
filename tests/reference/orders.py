"""The order of a list, and positions in it."""

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any

from db.source import ExecutionRow
from tests.reference.texts import stored

OrderBy = list[dict[str, str]] | None
"""An order as it is written in GraphQL's variables."""
Terms = tuple[tuple[str, bool], ...]
"""The fields of rows that are compared, one after the other, and whether descending."""
Position = tuple[Any, ...]
"""What a row has in those fields."""

BY_NAME: Terms = (("name", False), ("agentflow_id", False))
"""The order of agentflows."""
_COLUMNS = {"duration": "duration_ms"}


def terms_of(order_by: OrderBy) -> Terms:
    """What executions are compared by, so that no two are equal; newest first without an order.

    A field that comes again orders nothing. Ties are broken by the time of creation, unless
    a time or the duration orders anyway, and by the id, both in the direction of the last term.
    """
    terms: dict[str, bool] = {}
    is_descending = True
    for term in order_by or [{"field": "CREATED_ON"}]:
        is_descending = term.get("direction", "DESC") == "DESC"
        field = term["field"].lower()
        terms.setdefault(_COLUMNS.get(field, field), is_descending)
    if not terms.keys() & {"created_on", "updated_on", "finished_on", "duration_ms"}:
        terms["created_on"] = is_descending
    return *terms.items(), ("id", is_descending)


def position_of(row: ExecutionRow, terms: Terms) -> Position:
    """Where a row stands."""
    return tuple(getattr(row, field) for field, _ in terms)


def compare(left: Position, right: Position, terms: Terms) -> int:
    """How two positions stand to each other: below, at or above 0. Null is the smallest."""
    for a, b, (_, is_descending) in zip(left, right, terms, strict=True):
        if a != b:
            is_smaller = a is None or (b is not None and _key(a) < _key(b))
            return -1 if is_smaller != is_descending else 1
    return 0


def _key(value: Any) -> Any:
    return stored(value) if isinstance(value, str) else value


def ordered_positions(positions: Iterable[Position], terms: Terms) -> list[Position]:
    """Positions in an order."""

    def stands(left: Position, right: Position) -> int:
        return compare(left, right, terms)

    return sorted(positions, key=cmp_to_key(stands))


def comparison(order_by: OrderBy = None) -> Callable[[ExecutionRow, ExecutionRow], int]:
    """How two executions stand in an order: below, at or above 0."""
    terms = terms_of(order_by)
    return lambda left, right: compare(position_of(left, terms), position_of(right, terms), terms)


def ordered(rows: Iterable[ExecutionRow], order_by: OrderBy = None) -> list[ExecutionRow]:
    """Executions in an order."""
    return sorted(rows, key=cmp_to_key(comparison(order_by)))
