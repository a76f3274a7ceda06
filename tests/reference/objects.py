"""Executions, agentflows and sessions, and the pages that lead from one to the others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from db.source import ExecutionRow
from tests.reference import contents
from tests.reference.filters import matches, matches_name
from tests.reference.orders import (
    BY_NAME,
    Position,
    Terms,
    compare,
    ordered,
    ordered_positions,
    position_of,
    terms_of,
)
from tests.reference.statistics import ExecutionStats, Given
from tests.reference.table import Cursor, Elapsed, GlobalId, Now, Table
from tests.reference.texts import named, shown


@dataclass
class Execution:
    table: Table
    row: ExecutionRow

    def id(self) -> str:
        return GlobalId.of("Execution", self.row.guid)

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

    def data(self) -> Any:
        return contents.data_of(self._content)

    def data_problem(self) -> str | None:
        return contents.problem_of(self._content)

    def steps(self) -> list[contents.ExecutionStep]:
        return contents.steps_of(self._content)

    @property
    def _content(self) -> str | None:
        return contents.written(self.row.id)

    def workspace_id(self) -> str | None:
        return None if self.row.workspace_id is None else shown(self.row.workspace_id)

    def error(self) -> str | None:
        return None if self.row.error is None else shown(self.row.error)

    def agentflow(self) -> "Agentflow":
        return Agentflow(self.table, self.row.agentflow_id)

    def session(self) -> "Session | None":
        return None if self.row.session_id is None else Session(self.table, self.row.session_id)


@dataclass
class Agentflow:
    table: Table
    key: str

    @classmethod
    def find(cls, table: Table, key: str) -> "Agentflow | None":
        """An agentflow of the table, or one that is gone and still has executions."""
        stored = named([*table.flows, *(row.agentflow_id for row in table.rows)], key)
        return None if stored is None else cls(table, stored)

    def id(self) -> str:
        return GlobalId.of("Agentflow", self.key)

    def agentflow_id(self) -> str:
        return shown(self.key)

    def name(self) -> str | None:
        name = self.table.flows.get(self.key)
        return None if name is None else shown(name)

    def _has(self, row: ExecutionRow) -> bool:
        return row.agentflow_id == self.key

    def executions(self, given: Given) -> "ExecutionConnection":
        return ExecutionConnection(self.table, given, self._has)

    def stats(self, given: Given) -> ExecutionStats:
        return stats_of(self.table, given, self._has)


@dataclass
class Session:
    table: Table
    key: str

    @classmethod
    def find(cls, table: Table, key: str) -> "Session | None":
        """A session that has an execution."""
        sessions = [row.session_id for row in table.rows if row.session_id is not None]
        stored = named(sessions, key)
        return None if stored is None else cls(table, stored)

    def id(self) -> str:
        return GlobalId.of("Session", self.key)

    def session_id(self) -> str:
        return shown(self.key)

    def _has(self, row: ExecutionRow) -> bool:
        return row.session_id == self.key

    def executions(self, given: Given) -> "ExecutionConnection":
        return ExecutionConnection(self.table, given, self._has)

    def stats(self, given: Given) -> ExecutionStats:
        return stats_of(self.table, given, self._has)


def find_node(table: Table, written: str) -> Execution | Agentflow | Session | None:
    """What has a global id that the gateway is known to have written."""
    known = table.ids.get(written)
    if known is None:
        return None
    if known.type_name == "Execution":
        row = table.find(known.key)
        return None if row is None else Execution(table, row)
    kind = Agentflow if known.type_name == "Agentflow" else Session
    return kind.find(table, known.key)


def stats_of(
    table: Table, given: Given, is_of: Callable[[ExecutionRow], bool] = lambda _: True
) -> ExecutionStats:
    """Numbers of those executions of some that match a filter."""
    rows = [row for row in table.rows if is_of(row) and matches(row, given.get("filter"))]
    return ExecutionStats(table, given, rows, lambda key: Agentflow(table, key))


@dataclass
class PageInfo:
    start_cursor: Cursor | None
    end_cursor: Cursor | None
    has_next_page: bool
    has_previous_page: bool


@dataclass
class Window:
    """The first or last of some positions, which are in order, between two cursors."""

    table: Table
    terms: Terms
    positions: list[Position]
    given: Given
    places: range = field(init=False)
    """Where the positions on the page are among all."""

    def __post_init__(self) -> None:
        after, before = self._cursor("after"), self._cursor("before")
        between = [
            place
            for place, position in enumerate(self.positions)
            if (after is None or self._stands(position, after) > 0)
            and (before is None or self._stands(position, before) < 0)
        ]
        size = self.given.get("last" if self.is_backward else "first")
        if size is None:
            size = min(50, self.table.max_page_size)
        start = between[0] if between else 0
        end = start + len(between)
        self.has_more = len(between) > size
        self.places = range(max(start, end - size), end)
        if not self.is_backward:
            self.places = range(start, min(end, start + size))

    @property
    def is_backward(self) -> bool:
        return self.given.get("last") is not None

    def _cursor(self, name: str) -> Cursor | None:
        return self.table.cursors[self.given[name]] if self.given.get(name) is not None else None

    def _stands(self, position: Position, cursor: Cursor) -> int:
        return compare(position, cursor.position, self.terms)

    def cursor_at(self, place: int) -> Cursor:
        return Cursor.of(self.terms, self.positions[place])

    def page_info(self) -> PageInfo:
        return PageInfo(
            start_cursor=self.cursor_at(self.places[0]) if self.places else None,
            end_cursor=self.cursor_at(self.places[-1]) if self.places else None,
            has_next_page=self._is_more_after() if self.is_backward else self.has_more,
            has_previous_page=self.has_more if self.is_backward else self._is_more_before(),
        )

    def _is_more_before(self) -> bool:
        """Without a cursor the page begins with the list."""
        after = self._cursor("after")
        if after is None:
            return False
        if self.places:
            return self.places[0] > 0
        return any(self._stands(position, after) <= 0 for position in self.positions)

    def _is_more_after(self) -> bool:
        before = self._cursor("before")
        if before is None:
            return False
        if self.places:
            return self.places[-1] < len(self.positions) - 1
        return any(self._stands(position, before) >= 0 for position in self.positions)


@dataclass
class ExecutionEdge:
    cursor: Cursor
    node: Execution


@dataclass
class ExecutionConnection:
    """A page of those executions of some that match a filter."""

    table: Table
    given: Given
    is_of: Callable[[ExecutionRow], bool] = lambda _: True
    matching: list[ExecutionRow] = field(init=False)
    window: Window = field(init=False)

    def __post_init__(self) -> None:
        self.matching = found(self.table, self.given, self.is_of)
        terms = terms_of(self.given.get("orderBy"))
        positions = [position_of(row, terms) for row in self.matching]
        if any(isinstance(value, Now | Elapsed) for each in positions for value in each):
            self.table.is_uncertain = True
        self.window = Window(self.table, terms, positions, self.given)

    def edges(self) -> list[ExecutionEdge]:
        return [
            ExecutionEdge(self.window.cursor_at(place), Execution(self.table, self.matching[place]))
            for place in self.window.places
        ]

    def nodes(self) -> list[Execution]:
        return [Execution(self.table, self.matching[place]) for place in self.window.places]

    def total_count(self) -> int:
        return len(self.matching)

    def page_info(self) -> PageInfo:
        return self.window.page_info()


def found(
    table: Table, given: Given, is_of: Callable[[ExecutionRow], bool] = lambda _: True
) -> list[ExecutionRow]:
    """Those executions of some that match a filter, in an order."""
    matching = [row for row in table.rows if is_of(row) and matches(row, given.get("filter"))]
    return ordered(matching, given.get("orderBy"))


@dataclass
class AgentflowEdge:
    cursor: Cursor
    node: Agentflow


@dataclass
class AgentflowConnection:
    """A page of the agentflows whose names pass a filter."""

    table: Table
    given: Given
    keys: list[str] = field(init=False)
    window: Window = field(init=False)

    def __post_init__(self) -> None:
        flows = self.table.flows
        wanted: Any = self.given.get("name") or {}
        matching = [(flows[key], key) for key in flows if matches_name(flows[key], wanted)]
        positions = ordered_positions(matching, BY_NAME)
        self.keys = [key for _, key in positions]
        self.window = Window(self.table, BY_NAME, positions, self.given)

    def edges(self) -> list[AgentflowEdge]:
        return [
            AgentflowEdge(self.window.cursor_at(place), Agentflow(self.table, self.keys[place]))
            for place in self.window.places
        ]

    def nodes(self) -> list[Agentflow]:
        return [Agentflow(self.table, self.keys[place]) for place in self.window.places]

    def total_count(self) -> int:
        return len(self.keys)

    def page_info(self) -> PageInfo:
        return self.window.page_info()
