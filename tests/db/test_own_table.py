"""The recipe for an engine with a table of its own, run as docs/recipes.md has it."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.gateway import Gateway, running_gateway
from tests.places import ENGINE, Place, PostgresPlace, SQLitePlace, place_of

_ROOT = Path(__file__).parents[2]
_RECIPE = (_ROOT / "docs/recipes.md").read_text("utf-8").partition("## An engine with a table")[2]
_TABLES, _SQLITE, _POSTGRES, _COPY = re.findall(r"```sql\n(.*?)```", _RECIPE, re.DOTALL)
_BOTH = "SELECT id, flow, person, state, started * 1000 FROM runs NATURAL JOIN run_states"
_EXECUTIONS = "SELECT guid, agentflow_id, session_id, state, created_on FROM executions"


def _run_all(place: Place, script: str) -> None:
    """Run a script of the recipe, whose statements alone begin at the margin with these words."""
    for statement in re.split(r"\n(?=CREATE|INSERT)", script):
        _run(place, statement)


def _follow(place: Place) -> Place:
    """Install the recipe's triggers in a database that has its tables."""
    if isinstance(place, PostgresPlace):
        _run_all(place, _POSTGRES)
        place.server.grant(place.name)
        _run(place, f"GRANT SELECT, UPDATE, DELETE ON runs, run_states TO {ENGINE['user']}")
    else:
        _run_all(place, _SQLITE)
    return place


def _with_tables(place: Place) -> Place:
    _run_all(place, _TABLES)
    return place


def _run(place: Place, statement: str) -> list[tuple[Any, ...]]:
    return place.run(statement, [()])


def _is_equal(place: Place) -> bool:
    runs = sorted(map(repr, _run(place, _BOTH)))
    return bool(runs == sorted(map(repr, _run(place, _EXECUTIONS))))


@pytest.fixture
def engine(place: Place) -> Place:
    """A database with the recipe's tables, triggers and three runs."""
    _follow(_with_tables(place))
    _run(
        place,
        "INSERT INTO runs VALUES ('a', 'flow-1', 'ann', 'running', 1700000000),"
        " ('b', 'flow-1', NULL, 'done', 1700000001), ('c', 'flow-2', 'bob', 'waiting', 0)",
    )
    return place


_UPSERT = (
    "INSERT INTO runs VALUES ('a', 'flow-3', 'cid', 'failed', 5), ('d', 'flow-3', NULL, 'late', 6)"
    " ON CONFLICT (id) DO UPDATE SET flow = excluded.flow, person = excluded.person,"
    " status = excluded.status, started = excluded.started"
)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (_UPSERT, {("a", "ERROR"), ("b", "FINISHED"), ("c", "STOPPED"), ("d", "TIMEOUT")}),
        (
            "UPDATE runs SET status = 'cancelled'",
            {("a", "TERMINATED"), ("b", "TERMINATED"), ("c", "TERMINATED")},
        ),
        (
            "UPDATE runs SET id = 'e', flow = 'flow-4' WHERE id = 'a'",
            {("e", "INPROGRESS"), ("b", "FINISHED"), ("c", "STOPPED")},
        ),
        ("DELETE FROM runs WHERE id IN ('a', 'c')", {("b", "FINISHED")}),
        ("DELETE FROM runs", set()),
    ],
    ids=["upsert", "update of all", "another id", "deletion", "deletion of all"],
)
def test_what_the_engine_writes_becomes_executions(
    engine: Place, statement: str, expected: set[tuple[str, str]]
) -> None:
    _run(engine, statement)
    assert set(_run(engine, "SELECT guid, state FROM executions")) == expected
    assert _is_equal(engine)


@pytest.mark.sqlite
@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "with recursive triggers"])
def test_a_run_that_replaces_another_replaces_its_execution(
    engine: SQLitePlace, *, recursive: bool
) -> None:
    with sqlite3.connect(engine.path) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive:d}")
        connection.execute("REPLACE INTO runs VALUES ('a', 'flow-9', NULL, 'done', 7)")
    connection.close()
    assert ("a", "flow-9", None, "FINISHED", 7000) in _run(engine, _EXECUTIONS)
    assert _is_equal(engine)


def test_what_the_gateway_changes_reaches_the_runs(engine: Place) -> None:
    with running_gateway(engine) as gateway:
        assert gateway.http.put("/executions/a", json={"state": "TERMINATED"}).is_success
        assert gateway.http.delete("/executions/b").is_success
        assert gateway.http.delete("/executions/unknown").status_code == 404
    assert set(_run(engine, "SELECT id, status FROM runs")) == {
        ("a", "cancelled"),
        ("c", "waiting"),
    }
    assert _is_equal(engine)


def test_an_unknown_status_is_refused(engine: Place) -> None:
    for write in (
        "INSERT INTO runs VALUES ('x', 'flow', NULL, 'unheard of', 5)",
        "UPDATE runs SET status = 'unheard of' WHERE id = 'a'",
    ):
        with pytest.raises(Exception, match=r"state|constraint"):
            _run(engine, write)
    assert _is_equal(engine)


def test_runs_that_are_there_already_are_copied(place: Place) -> None:
    _with_tables(place)
    _run(place, "INSERT INTO runs VALUES ('a', 'flow-1', 'ann', 'running', 1700000000)")
    _follow(place)
    _run(place, "INSERT INTO runs VALUES ('b', 'flow-1', NULL, 'failed', 1700000000)")
    for _ in range(2):
        _run_all(place, _COPY)
        assert _is_equal(place)
    assert len(_run(place, _EXECUTIONS)) == 2


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Place:
    """A database with the recipe's triggers that drawn writes share."""
    return _follow(_with_tables(new_place()))


@pytest.fixture(scope="module")
def front(shared: Place) -> Any:
    """A gateway in front of it."""
    with running_gateway(shared) as running:
        yield running


_IDS = st.sampled_from("abcd")
_STATUSES = st.sampled_from(["running", "done", "failed", "cancelled", "late", "waiting"])
_STATES = st.sampled_from(["INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"])
_WRITES = st.one_of(
    st.builds(
        "INSERT INTO runs VALUES ('{}', 'flow-{}', {}, '{}', {}) ON CONFLICT (id) DO {}".format,
        _IDS,
        _IDS,
        st.sampled_from(["NULL", "'ann'"]),
        _STATUSES,
        st.integers(0, 2_000_000_000),
        st.sampled_from(["NOTHING", "UPDATE SET status = excluded.status, flow = excluded.flow"]),
    ),
    st.builds("UPDATE runs SET status = '{}' WHERE id >= '{}'".format, _STATUSES, _IDS),
    st.builds("DELETE FROM runs WHERE id = '{}'".format, _IDS),
    st.builds("UPDATE executions SET state = '{}' WHERE guid <= '{}'".format, _STATES, _IDS),
    st.builds("DELETE FROM executions WHERE guid = '{}'".format, _IDS),
    st.tuples(_IDS, _STATES),
    st.tuples(_IDS),
)


@settings(max_examples=examples(100), deadline=None)
@given(writes=st.lists(_WRITES, min_size=1, max_size=12))
def test_both_tables_are_equal_after_any_writes(
    front: Gateway, writes: list[str | tuple[str, ...]]
) -> None:
    place = place_of(front.place)
    for write in writes:
        if isinstance(write, str):
            _run(place, write)
        elif len(write) == 2:
            front.http.put(f"/executions/{write[0]}", json={"state": write[1]})
        else:
            front.http.delete(f"/executions/{write[0]}")
    assert _is_equal(place)
    _run(place, "DELETE FROM runs")
    assert _run(place, _EXECUTIONS) == []
