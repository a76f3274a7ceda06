"""What the gateway itself changes is logged, and it is told the numbers of executions alone."""

import asyncio
from collections import Counter

import pytest

from db.database import Database
from db.demo import fill_if_empty
from db.executions import Executions
from db.models import ExecutionState
from db.reading.filters import Condition
from db.writing.loading import LoadedExecution, load
from db.writing.old_executions import OldExecutions
from tests.db.events.outbox import Copy, events_in, replay, rows_in
from tests.gateway import insert
from tests.places import Place
from tests.sample import SAMPLE, START

pytestmark = pytest.mark.anyio

_GUIDS = [row.guid for row in SAMPLE]
_NOT_THERE = "guid of none"


class _Seen:
    """A copy of the executions at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.copy: Copy = rows_in(place)
        self._last = max((event.id for event in events_in(place)), default=0)

    def told(self) -> Counter[str]:
        """Count the events since then, after checking that they tell all."""
        events = events_in(self._place, self._last)
        replay(events, self.copy)
        assert self.copy == rows_in(self._place)
        return Counter(event.type for event in events)


@pytest.fixture
def seen(place: Place) -> _Seen:
    insert(place, SAMPLE)
    return _Seen(place)


def _in_state(seen: _Seen, *states: str) -> int:
    return sum(row.state in states for row in seen.copy.values())


async def test_an_update_is_logged_for_each_execution_that_it_changes(
    seen: _Seen, database: Database
) -> None:
    already = _in_state(seen, "ERROR")
    outcome = await Executions(database).update([*_GUIDS, _NOT_THERE], ExecutionState.ERROR)
    assert len(outcome.updated) == len(SAMPLE)
    assert outcome.not_found == (_NOT_THERE,)
    assert seen.told() == {"UPDATED": len(SAMPLE) - already}


async def test_updates_of_one_that_come_at_once_are_logged_one_by_one(
    seen: _Seen, database: Database
) -> None:
    executions = Executions(database)
    states = [state for _ in range(5) for state in ExecutionState]
    await asyncio.gather(*(executions.update([_GUIDS[0]], state) for state in states))
    told = seen.told()
    assert set(told) == {"UPDATED"}
    assert told.total() <= len(states)


async def test_updates_of_many_that_come_at_once_are_logged_one_by_one(
    seen: _Seen, database: Database
) -> None:
    executions = Executions(database)
    final = _in_state(seen, "STOPPED")
    outcomes = await asyncio.gather(
        *(executions.update([guid], ExecutionState.STOPPED) for guid in _GUIDS)
    )
    assert [len(outcome.updated) for outcome in outcomes] == [1] * len(_GUIDS)
    assert seen.told() == {"UPDATED": len(SAMPLE) - final}


async def test_a_deletion_is_logged_for_each_execution(seen: _Seen, database: Database) -> None:
    outcome = await Executions(database).delete([*_GUIDS[:7], _NOT_THERE])
    assert outcome.deleted == tuple(_GUIDS[:7])
    assert seen.told() == {"DELETED": 7}


async def test_an_update_of_all_that_match_is_logged(seen: _Seen, database: Database) -> None:
    matching = Condition("state", "eq", "INPROGRESS")
    number = _in_state(seen, "INPROGRESS")
    done = await Executions(database).update_matching(matching, ExecutionState.TIMEOUT)
    assert done.affected == number
    assert seen.told() == {"UPDATED": number}


async def test_a_deletion_of_all_that_match_is_logged(seen: _Seen, database: Database) -> None:
    matching = Condition("state", "eq", "INPROGRESS")
    number = _in_state(seen, "INPROGRESS")
    done = await Executions(database).delete_matching(matching)
    assert done.affected == number
    assert seen.told() == {"DELETED": number}


async def test_a_retention_pass_is_logged(seen: _Seen, database: Database) -> None:
    later = START + 10**9
    expected = _in_state(seen, "ERROR", "INPROGRESS")
    errors = OldExecutions(database, {ExecutionState.ERROR: later})
    running = OldExecutions(database, {ExecutionState.INPROGRESS: later})
    done = [sum(counts.values()) async for counts in errors.delete()]
    done += [sum(counts.values()) async for counts in running.time_out()]
    assert sum(done) == expected
    told = seen.told()
    assert told.total() == expected
    assert set(told) == {"DELETED", "UPDATED"}


async def test_an_import_is_logged(seen: _Seen, database: Database) -> None:
    known = SAMPLE[3]
    rows = [
        LoadedExecution(None, "new", "flow-a", None, "ERROR", START, None),
        LoadedExecution(900, "newer", "flow-a", "session", "INPROGRESS", START, START + 5),
        LoadedExecution(
            known.id, "of a taken id", "flow-a", None, "ERROR", START, START, START + 1
        ),
        LoadedExecution(known.id, known.guid, "flow-z", None, "TIMEOUT", START - 1, START + 9),
    ]
    assert await load(database, [(row, None) for row in rows]) == len(rows)
    assert seen.told() == {"CREATED": 3, "UPDATED": 1}


async def test_an_import_of_what_is_there_is_not_logged(seen: _Seen, database: Database) -> None:
    rows = [
        LoadedExecution(
            row.id,
            row.guid,
            row.agentflow_id,
            row.session_id,
            row.state,
            row.created_on,
            row.updated_on,
            row.finished_on,
        )
        for row in seen.copy.values()
    ]
    assert await load(database, [(row, None) for row in rows]) == len(SAMPLE)
    assert seen.told() == {}


async def test_an_import_that_keeps_the_time_of_a_change_ends_at_it(
    seen: _Seen, database: Database
) -> None:
    known = seen.copy[_GUIDS[0]]
    state = "ERROR" if known.state != "ERROR" else "STOPPED"
    row = LoadedExecution(
        None, known.guid, known.agentflow_id, None, state, known.created_on, known.updated_on
    )
    await load(database, [(row, None)])
    assert set(seen.told()) == {"UPDATED"}
    assert seen.copy[known.guid].updated_on == known.updated_on


async def test_an_import_that_fails_is_not_logged(seen: _Seen, database: Database) -> None:
    def rows() -> list[tuple[LoadedExecution, None]]:
        good = LoadedExecution(None, "new", "flow-a", None, "ERROR", START, None)
        return [(good, None), (good._replace(guid="bad", state="UNKNOWN"), None)]

    with pytest.raises(Exception, match="executions_state"):
        await load(database, rows())
    assert seen.told() == {}


async def test_demo_executions_are_logged(place: Place, database: Database) -> None:
    seen = _Seen(place)
    assert await fill_if_empty(database, 300) == 300
    assert seen.told() == {"CREATED": 300}
