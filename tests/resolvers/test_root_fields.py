"""Root fields of one operation are read together, a few at the same time."""

import asyncio
from typing import Any

import pytest

from db.errors import ServiceUnavailable
from db.executions import Executions
from resolvers.context import Context
from resolvers.plans import Plan
from resolvers.schema import build_schema
from server.graphql.preparation import OperationStore
from server.operation.settings import Settings

STORE = OperationStore(Settings(_env_file=None).limits)
SCHEMA = build_schema()


def _context(executions: Executions) -> Context:
    unused: Any = None
    return Context(executions, unused, unused, unused, max_page_size=100, max_ids=100)


def _plan_of(roots: int) -> Plan:
    query = " ".join(f'r{n}: execution(guid: "{n}") {{ guid }}' for n in range(roots))
    operation = STORE.prepare(f"{{ {query} }}", SCHEMA._schema).find(None)
    plan = operation and operation.planner.plan({})
    assert plan
    return plan


class _Together(Executions):
    """Answers when as many ask as are waited for, and notes how many asked at most."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._waiting = self.most = 0
        self._all_are_there = asyncio.Event()

    async def find_fields(self, _fields: tuple[str, ...], guid: str) -> tuple[Any, ...]:
        self._waiting += 1
        self.most = max(self.most, self._waiting)
        if self._waiting == self._wanted:
            self._all_are_there.set()
        await asyncio.wait_for(self._all_are_there.wait(), 60)
        self._waiting -= 1
        return (guid,)


def _run_together(wanted: int, roots: int) -> tuple[dict[str, Any], int]:
    executions = _Together(wanted)
    data = asyncio.run(_plan_of(roots).run(_context(executions), {}))
    return data, executions.most


def test_root_fields_are_read_at_the_same_time_and_answered_in_their_order() -> None:
    data, _ = _run_together(wanted=3, roots=3)
    assert data == {f"r{number}": {"guid": f"{number}"} for number in range(3)}
    assert list(data) == ["r0", "r1", "r2"]


class _Failing(Executions):
    """Fails the first time, and notes how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def find_fields(self, _fields: tuple[str, ...], guid: str) -> tuple[Any, ...]:
        self.asked += 1
        if self.asked == 1:
            raise ServiceUnavailable("away")
        await asyncio.sleep(0)
        return (guid,)


def test_when_a_root_field_fails_no_more_are_read() -> None:
    executions = _Failing()
    with pytest.raises(ServiceUnavailable):
        asyncio.run(_plan_of(20).run(_context(executions), {}))
    assert executions.asked <= 4


def test_no_more_than_four_root_fields_of_an_operation_are_read_at_once() -> None:
    data, most = _run_together(wanted=4, roots=9)
    assert len(data) == 9
    assert most == 4
