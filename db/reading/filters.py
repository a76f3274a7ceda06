"""Filters on executions, as small trees, and how large one may be.

Conditions are joined by ``AllOf``, ``AnyOf`` and ``Not``; ``comparisons`` says what a condition may
name, and ``filter_statements`` what it is in SQL. GraphQL's inputs and the REST parameters make
the same trees.

Logic has two values: where a field is null, a condition on it is false and its negation
true, as in any programming language and unlike in SQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.errors import InvalidInput

MAX_CONDITIONS = 500
"""How many nodes one filter may hold below its root: conditions, and what joins them.

Databases limit how large an expression may be.
"""
MAX_NESTING = 25
"""How deep ``AllOf``, ``AnyOf`` and ``Not`` may be nested in one filter."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value.

    ``field`` is a key of ``FIELDS``; ``operator`` one of that field's operators; the value
    a string, a datetime (with offset), a bool for ``is_null``, or a tuple for ``in`` and
    ``not_in``. ``ignore_case`` counts for strings alone.
    """

    field: str
    operator: str
    value: Any
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every part is; with no parts, always."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when at least one part is; with no parts, never."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: "Filter"


Filter = Condition | AllOf | AnyOf | Not

EVERYTHING = AllOf(())
"""The filter that every execution passes."""


class Allowance:
    """What one filter may hold, used up node by node while it is made or looked through.

    ``max_values`` is how many values all of its lists may hold together.
    """

    __slots__ = ("_max_values", "_nodes", "_values")

    def __init__(self, max_values: int | None = None) -> None:
        self._max_values = max_values
        # The root is free.
        self._nodes = -1
        self._values = 0

    def take(self, depth: int) -> None:
        """Count a node. Raises InvalidInput for one too many, or nested too deep."""
        self._nodes += 1
        if depth > MAX_NESTING:
            raise InvalidInput(f"filter must not be nested deeper than {MAX_NESTING} levels")
        if self._nodes > MAX_CONDITIONS:
            raise InvalidInput(
                f"filter must have at most {MAX_CONDITIONS} conditions, each and, or, not and "
                "empty filter counted as one; it has more"
            )

    def take_values(self, count: int) -> None:
        """Count the values of a list. Raises InvalidInput for too many."""
        self._values += count
        if self._max_values is not None and self._values > self._max_values:
            raise InvalidInput(
                f"filter must have at most {self._max_values} values in its lists (max_ids); "
                f"got {self._values} or more",
                limit="max_ids",
            )


def check(filter_: Filter, max_values: int | None = None) -> None:
    """Raise InvalidInput when a filter holds too much or is nested too deep, in one walk."""
    allowance = Allowance(max_values)
    waiting: list[tuple[Filter, int]] = [(filter_, 0)]
    while waiting:
        node, depth = waiting.pop()
        match node:
            case Condition(_, _, value):
                # A condition stands beside what joins it, not below.
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
    """How many conditions a filter has."""
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
    """The parts of a filter all of which must be true."""
    if not isinstance(filter_, AllOf):
        return (filter_,)
    for part in filter_.parts:
        if isinstance(part, AllOf):
            return [each for part in filter_.parts for each in conjuncts(part)]
    return filter_.parts


def conditions_of(filter_: Filter) -> Iterator[Condition]:
    """Every condition of a filter, in the order in which they stand."""
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
