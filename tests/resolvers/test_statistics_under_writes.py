"""Statistics are exact while several programs write executions, and afterwards."""

import contextlib
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db.models import ExecutionState
from tests.gateway import Gateway
from tests.places import Place, PostgresPlace
from tests.sample import FLOWS, SAMPLE, START

STATES = [state.value for state in ExecutionState]
_HOUR = 3_600_000
_ROWS = 200
_WRITERS = 3
_WRITES = 40
_ASKED = 25
_INSERT = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, ?, ?, ?)"
_EVERYTHING = (
    "totalCount byState { state count }"
    " byAgentflow(first: 1000) { agentflow { agentflowId } count }"
    " days: timeline { start totalCount byState { count } }"
    " hours: timeline(bucket: HOUR) { totalCount }"
)
_QUERY = (
    f"query ($filter: ExecutionFilter) {{ executionStats(filter: $filter) {{ {_EVERYTHING} }}"
    " agentflows { nodes { agentflowId stats(filter: $filter) { totalCount } } } }"
)


@pytest.fixture
def filled(gateway: Gateway) -> Gateway:
    rows = [
        SAMPLE[number % 24]._replace(
            id=number + 1,
            guid=f"guid-{number}",
            created_on=START + number * _HOUR // 3,
        )
        for number in range(_ROWS)
    ]
    gateway.insert(rows)
    return gateway


Write = tuple[str, tuple[Any, ...]]


def _moves(numbers: random.Random) -> Write:
    """A write that changes no total: executions move between states, agentflows and times."""
    at = START + numbers.randrange(_ROWS // 3) * _HOUR + numbers.randrange(_HOUR)
    first = numbers.randrange(_ROWS)
    return numbers.choice(
        [
            (
                "UPDATE executions SET state = ? WHERE id BETWEEN ? AND ?",
                (numbers.choice(STATES), first, first + numbers.randrange(50)),
            ),
            (
                "UPDATE executions SET agentflow_id = ?, created_on = ? WHERE id = ?",
                (numbers.choice(list(FLOWS)), at, first),
            ),
            (
                "UPDATE executions SET created_on = ? WHERE id BETWEEN ? AND ?",
                (at, first, first + 9),
            ),
        ]
    )


def _anything(numbers: random.Random) -> Write:
    guid = f"new-{numbers.randrange(10**9)}"
    return numbers.choice(
        [
            _moves(numbers),
            (
                _INSERT,
                (
                    guid,
                    numbers.choice(list(FLOWS)),
                    numbers.choice(STATES),
                    START + numbers.randrange(_ROWS // 3) * _HOUR,
                ),
            ),
            ("DELETE FROM executions WHERE id % 37 = ?", (numbers.randrange(37),)),
        ]
    )


@contextlib.contextmanager
def _writing(place: Place, draw: Callable[[random.Random], Write]) -> Iterator[None]:
    """Several programs write, each over a connection of its own, until all have written enough."""
    failures: list[Exception] = []

    def write(seed: int) -> None:
        numbers = random.Random(seed)
        try:
            for _ in range(_WRITES):
                _run(place, *draw(numbers))
        except Exception as error:  # noqa: BLE001 - told by the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(_WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    assert not failures


def _run(place: Place, statement: str, values: tuple[Any, ...]) -> None:
    while True:
        try:
            place.run(statement, [values])
        except sqlite3.OperationalError as error:
            # Another program holds the write lock for longer than the driver waits.
            if "locked" not in str(error):
                raise
        else:
            return


def _assert_consistent(stats: dict[str, Any]) -> None:
    total = stats["totalCount"]
    assert sum(each["count"] for each in stats["byState"]) == total
    assert sum(each["count"] for each in stats["byAgentflow"]) == total
    for name in ("days", "hours"):
        assert sum(each["totalCount"] for each in stats[name]) == total
    for place, state in enumerate(stats["byState"]):
        assert sum(day["byState"][place]["count"] for day in stats["days"]) == state["count"]


def _assert_exact(gateway: Gateway) -> None:
    """Assert that statistics are what the rows say."""
    data = gateway.graphql(_QUERY)
    stats = data["executionStats"]
    _assert_consistent(stats)
    rows = gateway.sql("SELECT agentflow_id, state, created_on FROM executions")
    states, flows = Counter(row[1] for row in rows), Counter(row[0] for row in rows)
    assert {each["state"]: each["count"] for each in stats["byState"]} == {
        state: states[state] for state in STATES
    }
    found = [(each["agentflow"]["agentflowId"], each["count"]) for each in stats["byAgentflow"]]
    assert found == sorted(flows.items(), key=lambda flow: (-flow[1], flow[0]))
    first = min(row[2] for row in rows) // _HOUR
    hours = Counter(row[2] // _HOUR - first for row in rows)
    assert [each["totalCount"] for each in stats["hours"]] == [
        hours[hour] for hour in range(max(hours) + 1)
    ]
    for node in data["agentflows"]["nodes"]:
        assert node["stats"]["totalCount"] == flows[node["agentflowId"]]


# The range begins and ends within an hour, so that rows are counted with the counts.
_WITHIN = {
    "createdOn": {"gte": "2023-11-14T20:30:00Z", "lt": "2024-01-01T10:30:00Z"},
}


@pytest.mark.parametrize("filter_", [None, _WITHIN], ids=["everything", "a range"])
def test_the_total_stays_the_same_while_executions_move(
    filled: Gateway, filter_: dict[str, Any] | None
) -> None:
    with _writing(filled.place, _moves):
        for _ in range(_ASKED):
            stats = filled.graphql(_QUERY, filter=filter_)["executionStats"]
            assert stats["totalCount"] == _ROWS
            _assert_consistent(stats)
    _assert_exact(filled)


def test_numbers_agree_while_anything_is_written_and_are_exact_afterwards(
    filled: Gateway,
) -> None:
    with _writing(filled.place, _anything):
        for _ in range(_ASKED):
            _assert_consistent(filled.graphql(_QUERY)["executionStats"])
    _assert_exact(filled)


@pytest.mark.postgres
def test_statistics_are_exact_before_and_after_changes_are_added_to_the_counts(
    filled: Gateway,
) -> None:
    assert isinstance(filled.place, PostgresPlace)
    numbers = random.Random(1)
    for _ in range(3):
        for _ in range(5):
            _run(filled.place, *_anything(numbers))
        _assert_exact(filled)
        filled.sql("SELECT gateway_fold_counts()")
        _assert_exact(filled)
