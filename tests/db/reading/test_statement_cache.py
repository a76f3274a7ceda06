"""Statements are cached by structure, in bounded stores; far pages cost a count."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.database import Database
from db.executions import Executions
from db.models import ExecutionState
from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not
from db.reading.page_query import PageQuery
from db.reading.paging import NEWEST_FIRST
from db.reading.statement_cache import StatementCache
from tests.gateway import Gateway, insert
from tests.places import Place
from tests.sample import SAMPLE
from tests.statements import recorded_statements

pytestmark = pytest.mark.anyio

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def _kept(executions: Executions, name: str) -> tuple[float, float]:
    """How many bytes a store has, and how many entries."""
    values = {
        metric.name: metric.value()
        for metric in executions.metrics()
        if metric.labels["store"] == name
    }
    return values["gateway_store_bytes"], values["gateway_store_entries"]


def _odd(number: int, parts: int) -> Filter:
    """A filter with a structure that no other number produces."""
    bits = [number >> bit & 1 for bit in range(parts)]
    return AnyOf(
        tuple(
            Not(Condition("session_id", "eq" if bit else "not_in", "s" if bit else (f"{place}",)))
            for place, bit in enumerate(bits)
        )
    )


async def test_values_however_large_are_kept_nowhere(database: Database) -> None:
    executions = Executions(database)

    async def ask(number: int) -> None:
        large = tuple(f"{number}-{value}" * 100 for value in range(100))
        filter_ = AllOf(
            (
                Condition("guid", "in", large),
                Condition("agentflow_name", "eq", "n" * 100_000),
                Condition("created_on", "gte", _AT + timedelta(minutes=number)),
            )
        )
        await executions.select(("id",), filter_, NEWEST_FIRST, limit=5)
        await executions.count(filter_)
        await executions.count(Condition("agentflow_id", "in", large))

    await ask(0)
    kept = _kept(executions, "statements")
    for number in range(1, 5):
        await ask(number)
    assert _kept(executions, "statements") == kept
    assert kept[0] < 100_000


async def test_long_statements_take_no_place_from_those_that_everybody_asks(
    database: Database,
) -> None:
    executions = Executions(database)
    await executions.count()
    usual = _kept(executions, "statements")
    for number in range(3):
        await executions.count(_odd(number, 200))
    assert _kept(executions, "statements") == usual
    kept_bytes, entries = _kept(executions, "long_statements")
    assert entries == 3
    assert kept_bytes > 3 * 10_000


async def test_a_large_filter_is_compiled_outside_of_the_loop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions = Executions(database)
    threads: list[int] = []
    compile_ = StatementCache.compile

    def watched(statements: StatementCache, *arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return compile_(statements, *arguments)

    monkeypatch.setattr(StatementCache, "compile", watched)
    await executions.count(_odd(0, 200))
    await executions.count()
    assert threads[0] != threading.get_ident()
    assert threads[1] == threading.get_ident()
    threads.clear()
    await executions.would_delete_matching(_odd(0, 200), limit=None)
    await executions.would_update_matching(_odd(0, 200), ExecutionState.STOPPED, None, limit=1)
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.sqlite
async def test_changes_in_their_thread_share_no_store_with_the_loop(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(place, SAMPLE)
    executions = Executions(database)
    users: dict[int, set[int]] = {}
    get = StatementCache.find

    def watched(statements: StatementCache, shape: Any) -> Any:
        users.setdefault(id(statements), set()).add(threading.get_ident())
        return get(statements, shape)

    monkeypatch.setattr(StatementCache, "find", watched)
    await executions.find("guid-01")
    await executions.update(["guid-01", "guid-02"], ExecutionState.STOPPED)
    await executions.delete(["guid-03"])
    await executions.count()
    assert len(set.union(*users.values())) == 2
    assert all(len(threads) == 1 for threads in users.values())


async def test_how_full_the_stores_are_is_told(sample_gateway: Gateway) -> None:
    told = sample_gateway.http.get("/metrics").text
    for store in ("statements", "long_statements"):
        assert f'gateway_store_bytes{{store="{store}"}}' in told


def _pages(statements: Sequence[str]) -> list[str]:
    return [statement for statement in statements if "LIMIT" in statement]


@pytest.mark.parametrize("page", [2**31 - 1, 100])
@pytest.mark.parametrize("parameters", ["", "&agentflowName=e", "&state=ERROR,STOPPED"])
def test_no_page_beyond_the_end_is_read(
    sample_gateway: Gateway, parameters: str, page: int
) -> None:
    with recorded_statements() as statements:
        answer = sample_gateway.http.get(f"/executions?page={page}{parameters}")
    assert answer.json() == []
    assert int(answer.headers["x-total-count"]) > 0
    assert len(statements) == 1
    assert _pages(statements) == []


@pytest.mark.parametrize("selected", ["totalCount items { guid }", "items { guid }"])
def test_no_numbered_page_beyond_the_end_is_read(sample_gateway: Gateway, selected: str) -> None:
    query = f"{{ executionPage(page: 2147483647) {{ {selected} }} }}"
    with recorded_statements() as statements:
        assert sample_gateway.graphql(query)["executionPage"]["items"] == []
    assert _pages(statements) == []


async def test_a_far_page_within_is_read(database: Database, place: Place) -> None:
    insert(
        place,
        (
            SAMPLE[0]._replace(id=number, guid=str(number), created_on=number)
            for number in range(1, 205)
        ),
    )
    executions = Executions(database)
    found = await executions.page(PageQuery(("id",), offset=200, limit=10, with_total=True))
    assert [row[0] for row in found.rows] == [4, 3, 2, 1]
    assert found.total == 204
