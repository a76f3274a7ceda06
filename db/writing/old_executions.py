"""Delete old executions, or time them out, in batches that nobody has to wait for.

A batch is a transaction of some milliseconds. Its statements find their executions by index and
check them again as they change them, so an execution that changes meanwhile is left alone.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    and_,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from db.database import Database, Execute, Rows
from db.dialect import Now
from db.errors import GatewayError
from db.instants import EARLIEST_MS, from_ms
from db.models import ExecutionState
from db.pacing import USUAL_PACE, Pace, Pacing
from db.reading.filters import AllOf, Condition, Filter
from db.reading.paging import NEWEST_FIRST, reverse
from db.reading.reader import Reader
from db.reading.statement_cache import BindParameters, Statement, StatementCache
from db.source import NATIVE, ExecutionSource

FINAL_STATES: tuple[ExecutionState, ...] = tuple(
    state for state in ExecutionState if state != ExecutionState.INPROGRESS
)
"""The states in which an execution has ended."""
MOST_KEPT = 100_000
"""The largest number of executions to keep of each agentflow: each batch counts past them."""

Counts = Mapping[ExecutionState, int]
"""How many executions there are of each state; those of which there is none may be missing."""
Guard = Callable[[Execute], object]
"""Runs at the beginning of each batch's transaction; an exception undoes the batch."""

_FLOWS_AT_ONCE = 100
_MOST_REFUSALS = 100
"""After so many executions that the database refuses to change, a run ends."""
_EVERY_ROW = 2**62
_OLDEST_FIRST = reverse(NEWEST_FIRST)


async def read_clock(database: Database) -> int:
    """Return the current time by the database's clock, in epoch milliseconds."""
    [(now,)] = await database.fetch(select(Now()))
    return int(now)


@dataclass(frozen=True, slots=True)
class _Part:
    """Executions of one state, and perhaps one agentflow, created from ``since`` on."""

    state: ExecutionState
    created_before: int
    agentflow_id: str | None = None
    since: int = EARLIEST_MS


_BuildChange = Callable[[BindParameters, ColumnElement[bool]], Executable]
"""Builds the statement that changes the executions of a condition, returning ``created_on``."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a batch changed, and what is left to do."""

    counts: Counts
    rest: Sequence[_Part]


class _Refused(Exception):
    """The database refused a batch, for a ``reason`` that is not the gateway's."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


class OldExecutions:
    """The executions of some states that were created before a time.

    ``created_before`` holds that time for each of the states, in epoch milliseconds. The newest
    ``keep_last`` executions of each agentflow, whatever their states, do not count as old. All
    methods raise ServiceUnavailable if the database can't answer.
    """

    def __init__(
        self,
        database: Database,
        created_before: Mapping[ExecutionState, int],
        keep_last: int = 0,
        *,
        pace: Pace = USUAL_PACE,
        source: ExecutionSource = NATIVE,
    ) -> None:
        self._database = database
        self._created_before = dict(created_before)
        self._keep_last = keep_last
        self._pace = pace
        self._source = source
        self._reader = Reader(database, source)
        self._statements = StatementCache(database.dialect)

    async def may_exist(self) -> bool:
        """Return False if no execution is old, also counting those that are kept as the newest."""
        for old in self._filters().values():
            if await self._reader.select(("id",), old, limit=1):
                return True
        return False

    async def exist(self) -> bool:
        """Whether any execution is old. Looks at each agentflow if some are kept as the newest."""
        if not self._keep_last:
            return await self.may_exist()
        async for flows in self._flows(most=1):
            if any(any(found) for _, *found in flows):
                return True
        return False

    async def count(self) -> Counts:
        """Count the old executions."""
        if not self._keep_last:
            return {state: await self._reader.count(old) for state, old in self._filters().items()}
        counts = dict.fromkeys(self._created_before, 0)
        async for flows in self._flows(most=_EVERY_ROW):
            for _, *found in flows:
                for state, count in zip(counts, found, strict=True):
                    counts[state] += count
        return counts

    def _filters(self) -> dict[ExecutionState, Filter]:
        return {
            state: AllOf(
                (
                    Condition("state", "eq", str(state)),
                    Condition("created_on", "lt", from_ms(before)),
                )
            )
            for state, before in self._created_before.items()
        }

    def delete(self, guard: Guard | None = None) -> AsyncGenerator[Counts, None]:
        """Delete the old executions; yield the numbers of each batch once it is durable.

        Those that the database refuses to delete, because of a trigger or a foreign key of somebody
        else, are left out, and the first refusal is raised in the end.
        """

        def build(_parameters: BindParameters, found: ColumnElement[bool]) -> Executable:
            return delete(self._source.written).where(found).returning(self._source.created_on)

        return self._change("delete", build, guard)

    def time_out(self, guard: Guard | None = None) -> AsyncGenerator[Counts, None]:
        """Set the state of the old executions to TIMEOUT, as ``delete`` deletes them."""
        source = self._source

        def build(_parameters: BindParameters, found: ColumnElement[bool]) -> Executable:
            # Both at once: a trigger of SQLite would set the second one in another write.
            times = {source.updated_on: Now(), source.finished_on: Now()}
            values = {source.state: str(ExecutionState.TIMEOUT), **times}
            changed = update(source.written).where(found).values(values)
            return changed.returning(source.created_on)

        return self._change("time out", build, guard)

    async def _change(
        self, what: str, build: _BuildChange, guard: Guard | None
    ) -> AsyncGenerator[Counts, None]:
        with_flow = bool(self._keep_last)

        def build_statement(parameters: BindParameters) -> Executable:
            return build(parameters, self._build_next(parameters, with_flow=with_flow))

        # Compiled here, because changes run in another thread.
        statement = self._statements.get((what, with_flow), build_statement)
        pacing = Pacing(self._database, self._pace)
        refusals: list[Exception] = []
        async for parts in self._parts():
            rest: Sequence[_Part] = parts
            while rest:
                # After a refusal, look for the execution that is refused, part by part.
                some = rest[:1] if pacing.is_searching else rest
                try:
                    batch, seconds = await self._change_next(statement, some, pacing.size, guard)
                except _Refused as refused:
                    if pacing.size > 1:
                        pacing.search()
                        continue
                    refusals.append(refused.reason)
                    if len(refusals) == _MOST_REFUSALS:
                        break
                    rest = [*await self._without_first(rest[0]), *rest[1:]]
                    continue
                pacing.adapt(seconds)
                rest = [*batch.rest, *rest[len(some) :]]
                yield batch.counts
                await pacing.pause(seconds)
            if len(refusals) == _MOST_REFUSALS:
                break
        if refusals:
            raise refusals[0]

    async def _parts(self) -> AsyncGenerator[list[_Part], None]:
        """Yield what there is to do, in lists of parts that may be done in one batch."""
        if not self._keep_last:
            yield [_Part(state, before) for state, before in self._created_before.items()]
            return
        async for flows in self._flows(most=1):
            yield [
                _Part(state, before, flow)
                for flow, *found in flows
                for (state, before), is_found in zip(
                    self._created_before.items(), found, strict=True
                )
                if is_found
            ]

    async def _change_next(
        self, statement: Statement, parts: Sequence[_Part], most: int, guard: Guard | None
    ) -> tuple[_Batch, float]:
        """Change the next executions, at most ``most``, in one transaction.

        Also returns for how many seconds it wrote. Raises _Refused if the database refuses it.
        """
        began = time.monotonic()
        is_in_guard = False

        def run(execute: Execute) -> _Batch:
            nonlocal began, is_in_guard
            # Other changes may come first.
            began = time.monotonic()
            if guard is not None:
                is_in_guard = True
                guard(execute)
                is_in_guard = False
            counts: Counter[ExecutionState] = Counter()
            for place, part in enumerate(parts):
                room = most - counts.total()
                if room == 0 or (place and time.monotonic() - began > self._pace.batch):
                    return _Batch(counts, parts[place:])
                changed = execute(statement.text, statement.parameters(self._values(part, room)))
                counts[part.state] += len(changed)
                if len(changed) == room:
                    # Don't search among those that are gone by now.
                    rest = replace(part, since=max(created_on for (created_on,) in changed))
                    return _Batch(counts, [rest, *parts[place + 1 :]])
            return _Batch(counts, [])

        try:
            batch = await self._database.change(run)
        except GatewayError:
            raise
        except Exception as error:
            if is_in_guard:
                raise
            raise _Refused(error) from error
        return batch, time.monotonic() - began

    async def _without_first(self, part: _Part) -> list[_Part]:
        """Return what is left of a part without the moment of its first execution."""
        conditions: list[Filter] = [
            Condition("state", "eq", str(part.state)),
            Condition("created_on", "gte", from_ms(part.since)),
            Condition("created_on", "lt", from_ms(part.created_before)),
        ]
        if part.agentflow_id is not None:
            conditions.append(Condition("agentflow_id", "eq", part.agentflow_id))
        first = await self._reader.select(
            ("created_on", "id"), AllOf(tuple(conditions)), _OLDEST_FIRST, limit=1
        )
        return [replace(part, since=first[0][0] + 1)] if first else []

    def _values(self, part: _Part, most: int) -> list[Any]:
        """Return the values of ``_build_next``."""
        values = [str(part.state), part.created_before, part.since, most]
        if part.agentflow_id is not None:
            values += [part.agentflow_id, self._keep_last - 1]
        return values

    def _build_next(self, parameters: BindParameters, *, with_flow: bool) -> ColumnElement[bool]:
        """Build the condition that an execution is among the next of a part."""
        source = self._source
        is_old = [
            source.state == parameters.bind("state"),
            source.created_on < parameters.bind("created_on"),
        ]
        found = (
            select(source.id.label("id"))
            .where(*is_old, source.created_on >= parameters.bind("created_on"))
            .order_by(source.created_on, source.id)
            .limit(parameters.bind_number())
            # Don't wait for other writers: what they are changing is left for the next time.
            .with_for_update(of=source.written, skip_locked=True)
        )
        if with_flow:
            flow = parameters.bind("agentflow_id")
            found = found.where(
                source.agentflow_id == flow,
                self._is_beyond_newest(source, flow, parameters.bind_number()),
            )
        return and_(source.id.in_(select(found.cte("found").c.id)), *is_old)

    def _is_beyond_newest(
        self, source: ExecutionSource, flow: ColumnElement[str], offset: ColumnElement[int]
    ) -> ColumnElement[bool]:
        """Whether an execution is older than the one at an offset among the newest of a flow."""
        newest = self._source.moved_to(self._source.written.alias("newest"))
        last_kept = (
            select(newest.created_on, newest.id)
            .where(newest.agentflow_id == flow)
            .order_by(newest.created_on.desc(), newest.id.desc())
            .limit(1)
            .offset(offset)
            .correlate_except(newest.table)
        )
        return tuple_(source.created_on, source.id) < last_kept.scalar_subquery()

    async def _flows(self, most: int) -> AsyncGenerator[Rows, None]:
        """Yield all agentflows, also those that are gone, in lists.

        A row has the id and, for each state, how many executions are old, counting to ``most``.
        """
        after: list[str] = []
        while True:
            build = self._build_later_flows if after else self._build_first_flows
            statement = self._statements.get(build.__name__, build)
            values = [*after, self._keep_last - 1, most]
            for state, before in self._created_before.items():
                values += [str(state), before]
            flows = await self._database.read(statement.text, statement.parameters(values))
            if flows:
                yield flows
            if len(flows) < _FLOWS_AT_ONCE:
                return
            after = [flows[-1][0]]

    def _build_first_flows(self, parameters: BindParameters) -> Select[Any]:
        return self._build_flows(parameters, select(func.min(self._source.agentflow_id)))

    def _build_later_flows(self, parameters: BindParameters) -> Select[Any]:
        flow = self._source.agentflow_id
        first = select(func.min(flow)).where(flow > parameters.bind("agentflow_id"))
        return self._build_flows(parameters, first)

    def _build_flows(self, parameters: BindParameters, first: Select[Any]) -> Select[Any]:
        source = self._source
        flows = select(
            first.scalar_subquery().label("agentflow_id"), literal(1).label("number")
        ).cte("flows", recursive=True)
        # The index is entered once for each agentflow, and not once for each execution.
        following = select(func.min(source.agentflow_id)).where(
            source.agentflow_id > flows.c.agentflow_id
        )
        flows = flows.union_all(
            select(following.scalar_subquery(), flows.c.number + 1).where(
                flows.c.agentflow_id.is_not(None), flows.c.number < _FLOWS_AT_ONCE
            )
        )
        flow = flows.c.agentflow_id
        offset, most = parameters.bind_number(), parameters.bind_number()
        counted = []
        for _ in self._created_before:
            old = (
                select(source.id)
                .where(
                    source.agentflow_id == flow,
                    source.state == parameters.bind("state"),
                    source.created_on < parameters.bind("created_on"),
                    self._is_beyond_newest(source, flow, offset),
                )
                .limit(most)
                .correlate(flows)
            )
            counted.append(select(func.count()).select_from(old.subquery()).scalar_subquery())
        return select(flow, *counted).where(flow.is_not(None)).order_by(flow)
