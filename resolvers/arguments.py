"""Translate the arguments of a field into filters, orders and page queries of ``db``."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField
from strawberry.utils.str_converters import to_camel_case

from db.errors import InvalidInput
from db.reading.comparisons import FIELDS
from db.reading.filters import (
    EVERYTHING,
    AllOf,
    Allowance,
    AnyOf,
    Condition,
    Filter,
    Not,
    is_narrowing,
)
from db.reading.normal_filters import normalised
from db.reading.page_query import PageQuery
from db.reading.paging import Order, Term, total_order
from db.reading.time_buckets import TimeRange, range_of
from resolvers.coercion import Variables, arguments_function
from resolvers.context import Context
from resolvers.page_arguments import PageArguments, offset_of, page_arguments
from schema.inputs import OrderDirection

_FIELD_NAMES = {to_camel_case(name): name for name in FIELDS}
_OPERATOR_NAMES = {
    to_camel_case(name): name for field in FIELDS.values() for name in field.operators
}
_TEXTS = frozenset(name for name, field in FIELDS.items() if "contains" in field.operators)
"""The fields that are compared with their case ignored, unless a filter says otherwise."""

_NOT_NARROWING = (
    "filter must have a condition, and not be true for every execution because of its form; to "
    "mean every execution, name all six states"
)


class Arguments:
    """The arguments of a field; created once without variables, or else for each request."""

    __slots__ = ("_filter", "_given", "_order", "parent", "query")

    def __init__(self, given: Mapping[str, Any], parent: "Arguments | None" = None) -> None:
        self._given = given
        self.parent = parent
        """The arguments of the field above, if they are known."""
        self._filter: tuple[int, Filter] | None = None
        self._order: Order | None = None
        self.query: tuple[Context, PageQuery] | None = None
        """The context and the page query made for it, once known."""

    @property
    def given(self) -> Mapping[str, Any]:
        """All arguments by their GraphQL names."""
        return self._given

    def __getitem__(self, name: str) -> Any:
        """Return an argument by its GraphQL name."""
        return self._given[name]

    def filter(self, max_values: int) -> Filter:
        """Return the filter. Raises InvalidInput if it is too large.

        ``max_values`` is how many values its lists may have together.
        """
        if self._filter is None or self._filter[0] != max_values:
            self._filter = max_values, to_filter(self._given.get("filter"), max_values)
        return self._filter[1]

    def name_filter(self, max_values: int) -> Filter:
        """Return the filter of agentflows by ``name``. Raises InvalidInput if it is too large."""
        return to_filter({"agentflowName": self._given.get("name")}, max_values)

    def narrowing_filter(self, max_values: int) -> Filter:
        """Return the filter. Raises InvalidInput if it is too large, or narrows nothing."""
        given = _filter(self._given["filter"], 0, Allowance(max_values))
        if not is_narrowing(given):
            raise InvalidInput(_NOT_NARROWING)
        return normalised(given, max_values)

    def created_within(self) -> TimeRange:
        """Return the range of creation times that the filter requires, outside of or and not."""
        return created_within(self._given.get("filter"))

    @property
    def order(self) -> Order:
        """The order."""
        if self._order is None:
            self._order = total_order(
                Term(term["field"].value, term["direction"] is OrderDirection.DESC)
                for term in self._given.get("orderBy") or ()
            )
        return self._order

    def page(self, max_page_size: int, order: Order | None = None) -> PageArguments:
        """Return the page of a connection, which has ``order`` if its arguments name none.

        Raises InvalidInput if the arguments are invalid.
        """
        get = self._given.get
        return page_arguments(
            order or self.order,
            max_page_size,
            first=get("first"),
            after=get("after"),
            last=get("last"),
            before=get("before"),
        )

    def offset(self, max_page_size: int) -> int:
        """Return the offset of a numbered page. Raises InvalidInput if there is no such page."""
        return offset_of(self._given["page"], self._given["limit"], max_page_size)


ArgumentsOf = Callable[[Variables], Arguments]
"""Returns the arguments of a field for coerced variables."""


def arguments_of(
    field: GraphQLField, node: FieldNode, parent: ArgumentsOf | None = None
) -> ArgumentsOf:
    """Return the function that reads the arguments of a field in a selection.

    ``parent`` reads those of the field above it.
    """
    read = arguments_function(field, node)
    if parent is not None:
        above = parent
        if isinstance(read, dict):
            given = read
            return lambda values: Arguments(given, above(values))
        read_given = read
        return lambda values: Arguments(read_given(values), above(values))
    if isinstance(read, dict):
        known = Arguments(read)
        return lambda _values: known
    return lambda values: Arguments(read(values))


def to_filter(given: Mapping[str, Any] | None, max_values: int) -> Filter:
    """Translate GraphQL's filter into a filter of ``db`` in its normal form.

    Raises InvalidInput if it has too many conditions, more than ``max_values`` values in its lists,
    or is nested too deeply.
    """
    if not given:
        return EVERYTHING
    return normalised(_filter(given, 0, Allowance(max_values)), max_values)


def created_within(given: Mapping[str, Any] | None) -> TimeRange:
    """Return the range of creation times that GraphQL's filter requires, outside of or and not.

    Unlike the normal form of the filter, it does not depend on whether anything can match.
    """
    conditions = []
    waiting = [given]
    while waiting:
        part = waiting.pop() or {}
        waiting += part.get("and") or ()
        for operator, value in (part.get("createdOn") or {}).items():
            if value is not None:
                conditions.append(Condition("created_on", operator, value))
    return range_of(conditions)


def _filter(given: Mapping[str, Any] | None, depth: int, allowance: Allowance) -> Filter:
    allowance.take(depth)
    if not given:
        return EVERYTHING
    parts: list[Filter] = []
    for name, value in given.items():
        if value is None:
            continue
        if name in _FIELD_NAMES:
            _add_conditions(_FIELD_NAMES[name], value, parts, allowance)
        elif name == "and":
            parts.append(AllOf(tuple([_filter(part, depth + 1, allowance) for part in value])))
        elif name == "or":
            parts.append(AnyOf(tuple([_filter(part, depth + 1, allowance) for part in value])))
        else:
            parts.append(Not(_filter(value, depth + 1, allowance)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _add_conditions(
    field: str, given: Mapping[str, Any], parts: list[Filter], allowance: Allowance
) -> None:
    ignore_case = field in _TEXTS and not given.get("caseSensitive")
    operators = FIELDS[field].operators
    for name, value in given.items():
        operator = _OPERATOR_NAMES.get(name, name)
        if value is not None and operator in operators:
            if isinstance(value, list):
                allowance.take_values(len(value))
            plain = tuple(value) if isinstance(value, list) else value
            parts.append(Condition(field, operator, plain, ignore_case))
