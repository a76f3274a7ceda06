"""What is read: a class for each type of the schema, with a method or attribute for each field.

A field with arguments is a method that takes them in a dictionary, coerced by graphql-core. What
is wrong with the arguments of a root field ``x`` is told by ``check_x``, a reason for each fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from db.source import ExecutionRow
from tests.reference.filters import matches, values_in
from tests.reference.orders import OrderBy, Terms, compare, ordered, position_of, terms_of
from tests.reference.table import Cursor, Opaque, Table
from tests.reference.texts import shown

Given = dict[str, Any]
_LAST_PAGE = 2**31 - 1


@dataclass
class Execution:
    row: ExecutionRow

    def id(self) -> str:
        return Opaque(f"Execution {self.row.guid!a}")

    def database_id(self) -> int:
        return self.row.id

    def guid(self) -> str:
        return shown(self.row.guid)

    def state(self) -> str:
        return self.row.state

    def agentflow_id(self) -> str:
        return shown(self.row.agentflow_id)

    def agentflow_name(self) -> str | None:
        return None if self.row.agentflow_name is None else shown(self.row.agentflow_name)

    def session_id(self) -> str | None:
        return None if self.row.session_id is None else shown(self.row.session_id)

    def created_on(self) -> int:
        return self.row.created_on

    def updated_on(self) -> int:
        return self.row.updated_on

    def finished_on(self) -> int | None:
        return self.row.finished_on

    def duration_ms(self) -> int | None:
        return self.row.duration_ms


@dataclass
class ExecutionEdge:
    cursor: Cursor
    node: Execution


@dataclass
class PageInfo:
    start_cursor: Cursor | None
    end_cursor: Cursor | None
    has_next_page: bool
    has_previous_page: bool


@dataclass
class ExecutionConnection:
    """A page: the first or last of what lies between two cursors."""

    table: Table
    given: Given
    terms: Terms = field(init=False)
    matching: list[ExecutionRow] = field(init=False)
    rows: list[ExecutionRow] = field(init=False)
    has_more: bool = field(init=False)

    def __post_init__(self) -> None:
        self.terms = terms_of(self.given.get("orderBy"))
        self.matching = _found(self.table, self.given)
        between = [row for row in self.matching if self._is_between(row)]
        size = self.given.get("last" if self.is_backward else "first")
        if size is None:
            size = min(50, self.table.max_page_size)
        self.has_more = len(between) > size
        self.rows = between[max(0, len(between) - size) :] if self.is_backward else between[:size]

    @property
    def is_backward(self) -> bool:
        return self.given.get("last") is not None

    def _cursor(self, name: str) -> Cursor | None:
        return self.table.cursors[self.given[name]] if self.given.get(name) is not None else None

    def _stands(self, row: ExecutionRow, cursor: Cursor) -> int:
        return compare(position_of(row, self.terms), cursor.position, self.terms)

    def _is_between(self, row: ExecutionRow) -> bool:
        after, before = self._cursor("after"), self._cursor("before")
        return (after is None or self._stands(row, after) > 0) and (
            before is None or self._stands(row, before) < 0
        )

    def edges(self) -> list[ExecutionEdge]:
        return [ExecutionEdge(self._cursor_of(row), Execution(row)) for row in self.rows]

    def nodes(self) -> list[Execution]:
        return [Execution(row) for row in self.rows]

    def _cursor_of(self, row: ExecutionRow) -> Cursor:
        return Cursor.of(self.terms, position_of(row, self.terms))

    def total_count(self) -> int:
        return len(self.matching)

    def page_info(self) -> PageInfo:
        return PageInfo(
            start_cursor=self._cursor_of(self.rows[0]) if self.rows else None,
            end_cursor=self._cursor_of(self.rows[-1]) if self.rows else None,
            has_next_page=self._is_more_after() if self.is_backward else self.has_more,
            has_previous_page=self.has_more if self.is_backward else self._is_more_before(),
        )

    def _is_more_before(self) -> bool:
        """Without a cursor the page begins with the list."""
        after = self._cursor("after")
        if after is None:
            return False
        if self.rows:
            return self.matching[0] != self.rows[0]
        return any(self._stands(row, after) <= 0 for row in self.matching)

    def _is_more_after(self) -> bool:
        before = self._cursor("before")
        if before is None:
            return False
        if self.rows:
            return self.matching[-1] != self.rows[-1]
        return any(self._stands(row, before) >= 0 for row in self.matching)


@dataclass
class ExecutionPage:
    table: Table
    given: Given

    @property
    def _first(self) -> int:
        return int((self.given["page"] - 1) * self.given["limit"])

    def items(self) -> list[Execution]:
        found = _found(self.table, self.given)
        return [Execution(row) for row in found[self._first : self._first + self.limit()]]

    def page(self) -> int:
        return int(self.given["page"])

    def limit(self) -> int:
        return int(self.given["limit"])

    def total_count(self) -> int:
        return len(_found(self.table, self.given))

    def total_pages(self) -> int:
        pages, rest = divmod(self.total_count(), self.limit())
        return pages + (rest > 0)


@dataclass
class Query:
    table: Table

    def execution(self, given: Given) -> Execution | None:
        row = self.table.find(given["guid"])
        return None if row is None else Execution(row)

    def check_execution(self, _given: Given) -> Iterator[str]:
        yield from ()

    def executions(self, given: Given) -> ExecutionConnection:
        return ExecutionConnection(self.table, given)

    def check_executions(self, given: Given) -> Iterator[str]:
        yield from _filter_faults(self.table, given)
        first, last = given.get("first"), given.get("last")
        if first is not None and last is not None:
            yield "first and last together"
        for name in ("first", "last"):
            size = given.get(name)
            if size is not None and not 0 <= size <= self.table.max_page_size:
                yield f"{name} is {size}"
        for name in ("after", "before"):
            yield from _cursor_faults(self.table, given.get(name), given.get("orderBy"))

    def execution_page(self, given: Given) -> ExecutionPage:
        return ExecutionPage(self.table, given)

    def check_execution_page(self, given: Given) -> Iterator[str]:
        yield from _filter_faults(self.table, given)
        if not 1 <= given["page"] <= _LAST_PAGE:
            yield f"page is {given['page']}"
        if not 1 <= given["limit"] <= self.table.max_page_size:
            yield f"limit is {given['limit']}"


def _found(table: Table, given: Given) -> list[ExecutionRow]:
    matching = [row for row in table.rows if matches(row, given.get("filter"))]
    return ordered(matching, given.get("orderBy"))


def _filter_faults(table: Table, given: Given) -> Iterator[str]:
    if values_in(given.get("filter")) > table.max_ids:
        yield "filter has too many values"


def _cursor_faults(table: Table, cursor: str | None, order_by: OrderBy) -> Iterator[str]:
    if cursor is None:
        return
    known = table.cursors.get(cursor)
    if known is None or known.terms != terms_of(order_by):
        yield f"{cursor} is no cursor of this order"
