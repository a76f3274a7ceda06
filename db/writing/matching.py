"""Update and delete the executions that match a filter, however many there are."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, delete, func, select, update

from db.database import Database
from db.instants import now_ms
from db.models import ExecutionState
from db.pacing import Pace
from db.reading.counts import plan_count
from db.reading.filters import AllOf, Condition, Filter, size_of
from db.reading.normal_filters import NOTHING, normalised
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource
from db.writing.batches import BatchRunner, Bounds, Matched, Target
from db.writing.changes import CHANGED, values_of

_MOST_CONDITIONS = 400
"""With more conditions than this, the rows are counted."""


class Matching:
    """Updates, deletes and counts the executions of a target."""

    def __init__(self, database: Database, source: ExecutionSource) -> None:
        self._source = source
        self._runner = BatchRunner(database, source)
        self._counting = Runner(database)

    async def delete(self, target: Target, bounds: Bounds, pace: Pace) -> Matched:
        """Delete executions."""

        def build(_: BindParameters, among: ColumnElement[bool]) -> Executable:
            return delete(self._source.written).where(among).returning(self._source.id)

        return await self._runner.run(target, "delete", build, bounds=bounds, pace=pace)

    async def update(
        self,
        target: Target,
        state: ExecutionState | None,
        expected: ExecutionState | None,
        bounds: Bounds,
        pace: Pace,
    ) -> Matched:
        """Set the state of executions, except of those that are not in the expected one.

        Those that have the state already count once nothing is left to change. With a limit they
        do not, because calls before this one may have given it to them.
        """
        changing = _changing(target, state, expected)
        already = await self._already(target, state, expected, bounds.limit)
        if state is None or changing is None:
            return Matched(already, has_more=False)

        def build(parameters: BindParameters, among: ColumnElement[bool]) -> Executable:
            source = self._source
            values = {source.column(field): parameters.bind(field) for field in CHANGED}
            return update(source.written).values(values).where(among).returning(source.id)

        done = await self._runner.run(
            changing, "update", build, lambda: values_of(state, now_ms()), bounds=bounds, pace=pace
        )
        return done if done.has_more else Matched(done.affected + already, has_more=False)

    async def would_delete(self, target: Target, limit: int | None) -> Matched:
        """Return what ``delete`` would if it had the time."""
        return _limited(await self._count(target, _one_more(limit)), limit)

    async def would_update(
        self,
        target: Target,
        state: ExecutionState | None,
        expected: ExecutionState | None,
        limit: int | None,
    ) -> Matched:
        """Return what ``update`` would if it had the time."""
        changing = _changing(target, state, expected)
        changed = Matched(0, has_more=False)
        if changing is not None:
            changed = _limited(await self._count(changing, _one_more(limit)), limit)
        already = await self._already(target, state, expected, limit)
        return Matched(changed.affected + already, changed.has_more)

    async def _already(
        self,
        target: Target,
        state: ExecutionState | None,
        expected: ExecutionState | None,
        limit: int | None,
    ) -> int:
        having = _having(target, state, expected)
        if limit is None:
            return await self._count(having, None)
        if _changing(target, state, expected) is not None:
            return 0
        return min(await self._count(having, limit), limit)

    async def _count(self, target: Target | None, most: int | None) -> int:
        """Return the number of executions; where it takes counting the rows, at most ``most``."""
        if target is None:
            return 0
        whole: Filter = AllOf(target.filters)
        values: list[Any] = []
        plan = None
        if size_of(whole) <= _MOST_CONDITIONS:
            whole = normalised(whole)
            if whole == NOTHING:
                return 0
            plan = plan_count(whole)
        if plan is not None:
            if not plan.edges and not plan.sums:
                return 0
            key: Hashable = ("counts", plan.cache_key(values))
            counts = plan

            def build(parameters: BindParameters) -> Select[Any]:
                return counts.build(parameters, self._source)
        else:
            key = ("rows", most is None, target.cache_key(values))

            def build(parameters: BindParameters) -> Select[Any]:
                source = replace(self._source, seeks=True)
                found = select(source.id).select_from(source.table)
                found = found.where(*target.conditions(source, parameters))
                if most is not None:
                    found = found.limit(parameters.bind_number())
                return select(func.count()).select_from(found.subquery("found"))

            if most is not None:
                values.append(most)
        [(count,)] = await self._counting.read_latest(key, build, values)
        return int(count)


def _changing(
    target: Target, state: ExecutionState | None, expected: ExecutionState | None
) -> Target | None:
    """Return the executions of a target that an update changes, or None if it changes none."""
    if state is None or state == expected:
        return None
    others = tuple(each for each in ExecutionState if each != state)
    from_others = Condition("state", "in", others) if expected is None else _is(expected)
    return _narrowed(target, from_others)


def _having(
    target: Target, state: ExecutionState | None, expected: ExecutionState | None
) -> Target | None:
    """Return the executions of a target that an update leaves as they are, and counts."""
    if state is None:
        return target if expected is None else _narrowed(target, _is(expected))
    return _narrowed(target, _is(state)) if expected in (None, state) else None


def _is(state: ExecutionState) -> Filter:
    return Condition("state", "eq", state)


def _narrowed(target: Target, condition: Filter) -> Target:
    return Target((*target.filters, condition))


def _one_more(limit: int | None) -> int | None:
    return None if limit is None else limit + 1


def _limited(count: int, limit: int | None) -> Matched:
    return (
        Matched(count, has_more=False)
        if limit is None
        else Matched(min(count, limit), count > limit)
    )
