"""What is wrong with the arguments of fields, a reason for each fault.

A field is named with its type. Its check takes its arguments and those of the field above it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.reference.filters import is_narrowing, values_in
from tests.reference.orders import BY_NAME, Terms, terms_of
from tests.reference.statistics import MOST_BUCKETS, Given, length_of
from tests.reference.table import Table

Check = Callable[[Table, Given, Given], Iterator[str]]
_LAST_PAGE = 2**31 - 1


def _filter(table: Table, given: Given, _above: Given) -> Iterator[str]:
    yield from _values(table, given.get("filter"))


def _values(table: Table, filter_: Any) -> Iterator[str]:
    if (count := values_in(filter_)) > table.max_ids:
        yield f"a filter has {count} values"


def _connection(table: Table, given: Given, above: Given) -> Iterator[str]:
    yield from _filter(table, given, above)
    yield from _window(table, given, terms_of(given.get("orderBy")))


def _agentflows(table: Table, given: Given, _above: Given) -> Iterator[str]:
    yield from _values(table, {"agentflowName": given.get("name")})
    yield from _window(table, given, BY_NAME)


def _window(table: Table, given: Given, terms: Terms) -> Iterator[str]:
    first, last = given.get("first"), given.get("last")
    if first is not None and last is not None:
        yield "first and last together"
    for name in ("first", "last"):
        if (size := given.get(name)) is not None:
            yield from _size(name, size, table, least=0)
    for name in ("after", "before"):
        cursor = given.get(name)
        known = table.cursors.get(cursor) if cursor is not None else None
        if cursor is not None and (known is None or known.terms != terms):
            yield f"{name} is {cursor}, no cursor of {terms if known else 'any order'}"


def _size(name: str, size: int, table: Table, *, least: int) -> Iterator[str]:
    if not least <= size <= table.max_page_size:
        yield f"{name} is {size}"


def _numbered_page(table: Table, given: Given, above: Given) -> Iterator[str]:
    yield from _filter(table, given, above)
    if not 1 <= given["page"] <= _LAST_PAGE:
        yield f"page is {given['page']}"
    yield from _size("limit", given["limit"], table, least=1)


def _number_of(name: str) -> Check:
    def check(table: Table, given: Given, _above: Given) -> Iterator[str]:
        if len(given[name]) > table.max_ids:
            yield f"{len(given[name])} {name}"

    return check


def _top(table: Table, given: Given, _above: Given) -> Iterator[str]:
    yield from _size("first", given["first"], table, least=0)


def _timeline(_table: Table, given: Given, above: Given) -> Iterator[str]:
    length = length_of(given["bucket"], above.get("filter"))
    if length > MOST_BUCKETS:
        yield f"{length} buckets by {given['bucket']}"


def _matching(table: Table, given: Given, _above: Given) -> Iterator[str]:
    faults = [*_values(table, given["filter"])]
    if not faults and not is_narrowing(given["filter"]):
        faults = ["a filter that narrows nothing"]
    yield from faults
    limit = given.get("limit")
    if limit is not None and limit < 1:
        yield f"limit is {limit}"


CHECKS: Mapping[str, Check] = {
    "Query.executions": _connection,
    "Agentflow.executions": _connection,
    "Session.executions": _connection,
    "Query.executionPage": _numbered_page,
    "Query.agentflows": _agentflows,
    "Query.executionStats": _filter,
    "Agentflow.stats": _filter,
    "Session.stats": _filter,
    "ExecutionStats.byAgentflow": _top,
    "ExecutionStats.timeline": _timeline,
    "Query.nodes": _number_of("ids"),
    "Mutation.updateExecutions": _number_of("guids"),
    "Mutation.deleteExecutions": _number_of("guids"),
    "Mutation.updateExecutionsMatching": _matching,
    "Mutation.deleteExecutionsMatching": _matching,
}
"""The checks of those fields whose arguments may be wrong although they have the right types."""
