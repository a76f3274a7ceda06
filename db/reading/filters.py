"""Filters on executions, as small trees, and limits on their size.

``AllOf``, ``AnyOf`` and ``Not`` join conditions; ``comparisons`` lists the fields and operators of
conditions, and ``filter_statements`` compiles them to SQL. GraphQL's inputs and REST parameters
both become such trees.

Logic has two values: if a field is null, a condition on it is false and its negation true, as in
most programming languages and unlike in SQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.columns import NULLABLE
from db.errors import InvalidInput

MAX_CONDITIONS = 500
"""How many nodes a filter may have below its root: conditions and joins.

Databases limit the size of an expression.
"""
MAX_NESTING = 25
"""How deeply ``AllOf``, ``AnyOf`` and ``Not`` may be nested in a filter."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value.

    ``field`` is a key of ``FIELDS``, ``operator`` one of that field's operators. The value is a
    string, a datetime (with offset), an int for ``duration_ms``, a bool for ``is_null``, or a tuple
    for ``in`` and ``not_in``.
    ``ignore_case`` applies to strings only.
    """

    field: str
    operator: str
    value: Any
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True if every part is true; always true without parts."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if at least one part is true; never true without parts."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """True if the part is false."""

    part: "Filter"


Filter = Condition | AllOf | AnyOf | Not

EVERYTHING = AllOf(())
"""The filter that every execution matches."""


ROOM = 4
"""How many nodes and levels the gateway may add: a workspace, and a state to change from."""


class Allowance:
    """Counts the nodes and list values of a filter, and enforces the limits.

    ``max_values`` is how many values all lists of the filter may hold together. ``room`` is for
    what the gateway has added to the filter of a client, in nodes and in levels.
    """

    __slots__ = ("_max_values", "_nodes", "_room", "_values")

    def __init__(self, max_values: int | None = None, *, room: int = 0) -> None:
        self._max_values = max_values
        self._room = room
        # The root does not count.
        self._nodes = -1
        self._values = 0

    def take(self, depth: int) -> None:
        """Count a node. Raises InvalidInput if there are too many or it is nested too deeply."""
        self._nodes += 1
        if depth > MAX_NESTING + self._room:
            raise InvalidInput(f"filter must not be nested deeper than {MAX_NESTING} levels")
        if self._nodes > MAX_CONDITIONS + self._room:
            raise InvalidInput(
                f"filter must have at most {MAX_CONDITIONS} conditions, each and, or, not and "
                "empty filter counted as one; it has more"
            )

    def take_values(self, count: int) -> None:
        """Count the values of a list. Raises InvalidInput if there are too many."""
        self._values += count
        if self._max_values is not None and self._values > self._max_values:
            raise InvalidInput(
                f"filter must have at most {self._max_values} values in its lists (max_ids); "
                f"got {self._values} or more",
                limit="max_ids",
            )


def check(filter_: Filter, max_values: int | None = None, *, room: int = 0) -> None:
    """Raise InvalidInput if a filter is too large or nested too deeply; see ``Allowance``."""
    allowance = Allowance(max_values, room=room)
    waiting: list[tuple[Filter, int]] = [(filter_, 0)]
    while waiting:
        node, depth = waiting.pop()
        match node:
            case Condition(_, _, value):
                # A condition has the depth of the node that joins it.
                allowance.take(depth - 1)
                if isinstance(value, tuple):
                    allowance.take_values(len(value))
            case Not(part):
                allowance.take(depth)
                waiting.append((part, depth + 1))
            case AllOf(parts) | AnyOf(parts):
                allowance.take(depth)
                waiting.extend((part, depth + 1) for part in parts)


def size_of(filter_: Filter) -> int:
    """Return the number of conditions in a filter."""
    count = 0
    waiting = [filter_]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Condition):
            count += 1
        elif isinstance(node, Not):
            waiting.append(node.part)
        else:
            waiting.extend(node.parts)
    return count


def conjuncts(filter_: Filter) -> Sequence[Filter]:
    """Return the parts of a filter that must all be true."""
    if not isinstance(filter_, AllOf):
        return (filter_,)
    for part in filter_.parts:
        if isinstance(part, AllOf):
            return [each for part in filter_.parts for each in conjuncts(part)]
    return filter_.parts


def conditions_of(filter_: Filter) -> Iterator[Condition]:
    """Yield every condition of a filter, from left to right."""
    waiting = [filter_]
    while waiting:
        node = waiting.pop()
        match node:
            case Condition():
                yield node
            case Not(part):
                waiting.append(part)
            case AllOf(parts) | AnyOf(parts):
                waiting.extend(reversed(parts))


def is_narrowing(filter_: Filter) -> bool:
    """Whether a filter has a condition, and its form alone does not make it true for everything.

    Lists without values are part of the form: to be in none of them is true for everything. So are
    empty texts, which every name contains, and nulls where there are none. To have an error at all
    is a condition: few executions have one.
    """
    return _always(filter_) is not True and any(conditions_of(filter_))


def _always(filter_: Filter) -> bool | None:
    """Return what a filter is for every execution by its form, or None if that depends."""
    match filter_:
        case Condition(_, "in" | "not_in", ()):
            return filter_.operator == "not_in"
        case Condition("agentflow_name", "contains" | "starts_with", ""):
            return True
        case Condition(field, "is_null", is_null) if field not in NULLABLE:
            return not is_null
        case Condition():
            return None
        case Not(part):
            inner = _always(part)
            return None if inner is None else not inner
        case AllOf(parts) | AnyOf(parts):
            # The value that decides a join by itself.
            decisive = isinstance(filter_, AnyOf)
            values = {_always(part) for part in parts}
            if decisive in values:
                return decisive
            return None if None in values else not decisive
