"""Preparing documents: in which thread it happens, and what is cached."""

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import Node, Token, execute_sync, get_introspection_query

from resolvers.plans import Plan, Planner
from resolvers.schema import build_schema
from server.graphql.preparation import OperationStore
from server.graphql.prepared import Prepared
from server.operation.settings import Settings
from tests.gateway import Gateway

LIMITS = Settings(_env_file=None).limits
SCHEMA = build_schema()._schema
FIELDS = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"


class Watched(OperationStore):
    """Records in which thread each document was prepared."""

    def __init__(self, **bounds: Any) -> None:
        super().__init__(LIMITS, **bounds)
        self.threads: list[threading.Thread] = []

    def _finish(self, *read: Any) -> Prepared:
        self.threads.append(threading.current_thread())
        return super()._finish(*read)


def _long(number: int = 0, fields: int = 12) -> str:
    pages = " ".join(f"a{place}: executions {{ nodes {{ {FIELDS} }} }}" for place in range(fields))
    return f"query Long{number} {{ {pages} }}"


def _choices(number: int, conditions: int = 6) -> str:
    """A query with conditions, and with another name for each number."""
    definitions = " ".join(f"$c{place}: Boolean!" for place in range(conditions))
    fields = " ".join(f"a{place}: guid @include(if: $c{place})" for place in range(conditions))
    return f"query N{number}({definitions}) {{ executions {{ nodes {{ id {fields} }} }} }}"


def _bytes(store: OperationStore, name: str) -> tuple[float, float]:
    """How full a store is, and how full it may be."""
    told = {
        metric.name: metric.value()
        for metric in store.metrics()
        if metric.labels.get("store") == name
    }
    return told["gateway_store_bytes"], told["gateway_store_max_bytes"]


# Where


@pytest.mark.anyio
async def test_a_long_document_is_prepared_in_a_thread_and_a_short_one_at_once() -> None:
    store = Watched()
    await store.prepare_async("{ __typename }", SCHEMA)
    await store.prepare_async(_long(), SCHEMA)
    await store.prepare_async(_long(), SCHEMA)
    assert [thread is threading.current_thread() for thread in store.threads] == [True, False]


@pytest.mark.anyio
async def test_the_plan_of_a_long_document_is_made_there_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Watched()
    prepared = await store.prepare_async(_long(), SCHEMA)
    operation = prepared.find(None)
    assert operation
    monkeypatch.setattr(
        "resolvers.plans.Planning", lambda *_: pytest.fail("it is planned once more")
    )
    assert operation.planner.plan({}) is not None


def _unfolding(levels: int, condition: str = "") -> str:
    """A short document whose fragments unfold into four times as many fields at each level."""
    variables = "($c: Boolean!)" if condition else ""
    parts = [
        f"query {variables} {{ executions(first: 1) {{ nodes {{ guid ...F0 {condition} }} }} }}"
    ]
    for level in range(levels):
        inner = f"...F{level + 1}" if level + 1 < levels else "guid"
        page = f"executions(first: 1) {{ nodes {{ {inner} }} edges {{ node {{ {inner} }} }} }}"
        parts.append(
            f"fragment F{level} on Execution {{ agentflow {{ {page} }} session {{ {page} }} }}"
        )
    return " ".join(parts)


@pytest.mark.anyio
async def test_a_short_document_that_unfolds_into_many_fields_is_prepared_in_a_thread() -> None:
    store = Watched()
    query = _unfolding(4)
    assert len(query) < 1_000
    prepared = await store.prepare_async(query, SCHEMA)
    assert not prepared.errors
    assert [thread is threading.current_thread() for thread in store.threads] == [False]


@pytest.mark.anyio
async def test_its_plan_for_a_choice_of_conditions_is_made_there_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Watched()
    operation = (await store.prepare_async(_unfolding(3, "@include(if: $c)"), SCHEMA)).find(None)
    assert operation
    threads = []
    plan_of = Planner._plan_of

    def watched(self: Planner, choice: tuple[bool, ...]) -> Plan:
        threads.append(threading.current_thread())
        return plan_of(self, choice)

    monkeypatch.setattr(Planner, "_plan_of", watched)
    plans = [await store.plan(operation, {"c": flag}) for flag in (True, False, True)]
    assert plans[0] is plans[2]
    assert plans[0] is not plans[1]
    assert [thread is threading.current_thread() for thread in threads] == [False, False]


def test_a_document_that_unfolds_takes_the_bytes_of_its_plan() -> None:
    store = Watched()
    sizes = []
    for levels in (1, 4):
        before = _bytes(store, "documents")[0]
        assert not store.prepare(_unfolding(levels), SCHEMA).errors
        sizes.append(_bytes(store, "documents")[0] - before)
    assert sizes[1] - sizes[0] > 1_000_000


@pytest.mark.anyio
async def test_a_document_that_many_ask_for_at_once_is_prepared_once() -> None:
    store = Watched()
    prepared = await asyncio.gather(*(store.prepare_async(_long(), SCHEMA) for _ in range(50)))
    assert len(store.threads) == 1
    assert len(set(map(id, prepared))) == 1


@pytest.mark.anyio
async def test_who_goes_away_takes_a_document_from_nobody() -> None:
    store = Watched()
    first = asyncio.ensure_future(store.prepare_async(_long(), SCHEMA))
    second = asyncio.ensure_future(store.prepare_async(_long(), SCHEMA))
    await asyncio.sleep(0)
    first.cancel()
    assert not (await second).errors
    assert first.cancelled()
    assert len(store.threads) == 1


_SPREAD = "query { ...A } fragment A on Query { __schema { queryType { name } } }"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (get_introspection_query(), 1),
        ("{ __schema { queryType { name } } }", 1),
        ("{ ... { __schema { queryType { name } } } }", 1),
        (_SPREAD, 1),
        ("{ executions { totalCount } __schema { queryType { name } } }", 1),
        ('{ a: __type(name: "Query") { name } __schema { queryType { name } } }', 2),
        ("query ($t: String!) { __type(name: $t) { name } __schema { queryType { name } } }", 2),
    ],
    ids=range(7),
)
def test_introspection_runs_in_a_thread_wherever_it_stands(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, query: str, fields: int
) -> None:
    threads: list[str] = []

    def watched(*asked: Any, **more: Any) -> Any:
        threads.append(threading.current_thread().name)
        return execute_sync(*asked, **more)

    monkeypatch.setattr("resolvers.introspection.execute_sync", watched)
    variables = {"t": "Execution"} if "$t" in query else {}
    told = gateway.graphql(query, **variables)
    assert told["__schema"]["queryType"]["name"] == "Query"
    assert [name.startswith("prepare") for name in threads] == [True] * fields


def test_what_goes_wrong_in_introspection_says_where(gateway: Gateway) -> None:
    query = """query ($all: Boolean) {
      a: __type(name: "Query") { name fields(includeDeprecated: $all) { name } }
    }"""
    answer = gateway.post(query, all=None).json()
    [error] = answer["errors"]
    assert error["path"][:2] == ["a", "fields"]
    assert answer["data"] is None


# What is kept


def _nodes(prepared: Prepared) -> Iterator[Node]:
    waiting: list[Any] = [prepared.document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node):
            yield node
            waiting.extend(getattr(node, key, None) for key in node.keys)
        elif isinstance(node, list | tuple):
            waiting.extend(node)


@pytest.mark.parametrize("query", [_long(), "{ nothing { a b } }"], ids=["valid", "invalid"])
def test_a_prepared_document_holds_no_chain_of_tokens(query: str) -> None:
    nodes = list(_nodes(Watched().prepare(query, SCHEMA)))
    tokens = {id(node.loc.start_token) for node in nodes if node.loc}
    assert len(nodes) > 3
    assert len(tokens) == 1
    assert all(isinstance(node.loc and node.loc.start_token, Token) for node in nodes)


def test_errors_still_say_where(gateway: Gateway) -> None:
    query = "query Long {\n  executions(\n    first: -1) { totalCount }\n}"
    [error] = gateway.post(query).json()["errors"]
    assert error["locations"] == [{"line": 2, "column": 3}]


def test_distinct_documents_take_no_more_memory_than_the_store_may_hold() -> None:
    store = Watched(max_bytes=2 * 2**20)
    store.prepare(_long(), SCHEMA)
    tracemalloc.start()
    try:
        for number in range(250):
            prepared = store.prepare(_long(number, 3), SCHEMA)
            assert not prepared.errors
        # Validation leaves cycles behind, which are no part of what is kept.
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept, most = _bytes(store, "documents")
    assert most / 2 < kept <= most
    # What the store takes for the size of an entry is no less than what it really takes.
    assert grown < most


def test_operations_of_one_document_take_no_more_memory_than_their_store_may_hold() -> None:
    store = Watched()
    roots = " ".join(
        f"a{n}: executions(first: {n}) {{ nodes {{ guid state }} }}" for n in range(16)
    )
    names = [f"q{number}" for number in range(200)]
    operations = " ".join(f"query {name} {{ ...All }}" for name in names)
    prepared = store.prepare(f"{operations} fragment All on Query {{ {roots} }}", SCHEMA)
    assert not prepared.errors
    gc.collect()
    tracemalloc.start()
    try:
        for name in names:
            operation = prepared.find(name)
            assert operation
            assert operation.planner.plan({})
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept, most = _bytes(store, "operations")
    assert 0 < kept <= most
    assert grown < kept


def test_refused_documents_take_no_more_memory_than_the_store_may_hold() -> None:
    store = Watched(max_bytes=2**19)
    store.prepare("{ a }", SCHEMA)
    tracemalloc.start()
    try:
        for number in range(150):
            assert store.prepare(f"{{ unknown{number} {'a b ' * 100} }}", SCHEMA).errors
            assert store.prepare(f"{{ {number} ", SCHEMA).errors
            assert store.prepare(f"#{number}{'x' * 200_000}", SCHEMA).errors
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept, most = _bytes(store, "documents")
    assert kept <= most
    assert grown < 2 * most


def test_a_document_that_is_too_long_is_not_kept() -> None:
    store = Watched()
    query = "{ __typename }" + " " * 100_000
    [error] = store.prepare(query, SCHEMA).errors
    assert error.extensions
    assert error.extensions["limit"] == "max_document_bytes"
    assert _bytes(store, "documents")[0] == 0


def test_plans_for_every_choice_of_conditions_are_bounded_in_bytes() -> None:
    store = Watched(max_plan_bytes=2**21)
    plans = set()
    for number in range(20):
        operation = store.prepare(_choices(number), SCHEMA).find(None)
        assert operation
        for choice in range(64):
            flags = {f"c{place}": bool(choice >> place & 1) for place in range(6)}
            plan = operation.planner.plan(flags)
            assert plan is not None
            plans.add(id(plan))
    kept, most = _bytes(store, "plans")
    assert most / 2 < kept <= most


def test_a_choice_among_more_conditions_than_are_planned_leaves_nothing() -> None:
    store = Watched()
    operation = store.prepare(_choices(0, 12), SCHEMA).find(None)
    assert operation
    for choice in range(2_000):
        flags = {f"c{place}": bool(choice >> place & 1) for place in range(12)}
        assert operation.planner.plan(flags) is None
    assert operation.planner.reason({}) == "too many conditions"
    assert _bytes(store, "plans")[0] == 0


def test_the_plan_of_a_choice_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Watched()
    operation = store.prepare(_choices(0, 2), SCHEMA).find(None)
    assert operation
    choices = [{"c0": one, "c1": other} for one in (True, False) for other in (True, False)]
    first = [operation.planner.plan(choice) for choice in choices]
    monkeypatch.setattr("resolvers.plans.Planning", lambda *_: pytest.fail("planned again"))
    assert [operation.planner.plan(choice) for choice in choices] == first
    assert len(set(map(id, first))) == 4


def test_stores_that_clients_fill_tell_how_full_they_are(gateway: Gateway) -> None:
    gateway.graphql("{ __typename }")
    text = gateway.http.get("/metrics").text
    for store in ("documents", "plans", "persisted_queries"):
        assert f'gateway_store_bytes{{store="{store}"}}' in text
        assert f'gateway_store_max_bytes{{store="{store}"}}' in text
