"""The arguments of a root field, as graphql-core coerced them, in the terms of ``db``."""

from collections.abc import Mapping
from typing import Any

from db.reading.comparisons import FIELDS
from db.reading.filters import EVERYTHING, AllOf, Allowance, AnyOf, Condition, Filter, Not
from db.reading.normal_filters import normalised
from db.reading.paging import Order, Term, total_order
from resolvers.pages import Window, offset_of, window
from schema.inputs import OrderDirection

_FIELD_NAMES = {
    "guid": "guid",
    "agentflowId": "agentflow_id",
    "agentflowName": "agentflow_name",
    "sessionId": "session_id",
    "state": "state",
    "createdOn": "created_on",
    "updatedOn": "updated_on",
}
_OPERATOR_NAMES = {"notIn": "not_in", "isNull": "is_null", "startsWith": "starts_with"}


class Arguments:
    """What was asked for; made once when it has no variables in it, else for each request."""

    __slots__ = ("_filter", "_given", "_order", "_window")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._filter: tuple[int, Filter] | None = None
        self._order: Order | None = None
        self._window: tuple[int, Window] | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """All arguments by the names that GraphQL has for them."""
        return self._given

    def __getitem__(self, name: str) -> Any:
        """An argument by the name that GraphQL has for it."""
        return self._given[name]

    def filter(self, max_values: int) -> Filter:
        """Which executions; raises InvalidInput for a filter that holds too much.

        ``max_values`` is how many values its lists may hold.
        """
        if self._filter is None or self._filter[0] != max_values:
            given = self._given.get("filter")
            asked = (
                normalised(_filter(given, 0, Allowance(max_values)), max_values)
                if given
                else EVERYTHING
            )
            self._filter = (max_values, asked)
        return self._filter[1]

    @property
    def order(self) -> Order:
        """In which order."""
        if self._order is None:
            self._order = total_order(
                Term(term["field"].value, term["direction"] is OrderDirection.DESC)
                for term in self._given.get("orderBy") or ()
            )
        return self._order

    def window(self, max_page_size: int) -> Window:
        """Which part of a connection. Raises InvalidInput when there is no such part."""
        if self._window is None or self._window[0] != max_page_size:
            get = self._given.get
            asked = window(
                self.order,
                max_page_size,
                first=get("first"),
                after=get("after"),
                last=get("last"),
                before=get("before"),
            )
            self._window = (max_page_size, asked)
        return self._window[1]

    def offset(self, max_page_size: int) -> int:
        """How many come before a numbered page. Raises InvalidInput for no such page."""
        return offset_of(self._given["page"], self._given["limit"], max_page_size)


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
    ignore_case = field == "agentflow_name" and not given.get("caseSensitive")
    operators = FIELDS[field].operators
    for name, value in given.items():
        operator = _OPERATOR_NAMES.get(name, name)
        if value is not None and operator in operators:
            if isinstance(value, list):
                allowance.take_values(len(value))
            plain = tuple(value) if isinstance(value, list) else value
            parts.append(Condition(field, operator, plain, ignore_case))
