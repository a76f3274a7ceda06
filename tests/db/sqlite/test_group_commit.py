"""Changes that arrive together are committed together, and each succeeds or fails by itself."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from db.database import Database, Execute
from db.errors import ServiceUnavailable, UncertainWrite
from db.executions import Executions
from db.models import ExecutionState
from db.opening import open_database
from db.sqlite.flowise_changes import FlowiseChanges
from db.sqlite.group_commit import run_changes
from db.sqlite.interruption import Interruptible
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

_SET = "UPDATE executions SET session_id = ? WHERE guid = ?"


def _sessions(path: Path) -> dict[str, str | None]:
    return dict(run_sql(path, "SELECT guid, session_id FROM executions"))


def _setting(guid: str, session: str, *, then: Exception | None = None) -> Any:
    def change(execute: Execute) -> str:
        execute(_SET, (session, guid))
        if then is not None:
            raise then
        return guid

    return change


@pytest.fixture
def filled(path: Path) -> Path:
    insert(path, SAMPLE)
    return path


async def test_changes_that_arrive_together_are_all_made(database: Database, filled: Path) -> None:
    guids = [row.guid for row in SAMPLE]
    changed = await asyncio.gather(*(database.change(_setting(g, f"new {g}")) for g in guids))
    assert changed == guids
    assert _sessions(filled) == {guid: f"new {guid}" for guid in guids}


async def test_a_change_that_fails_is_undone_and_the_others_stay(
    database: Database, filled: Path
) -> None:
    outcomes = await asyncio.gather(
        database.change(_setting("guid-07", "a")),
        database.change(_setting("guid-14", "b", then=ValueError("no"))),
        database.change(_setting("guid-21", "c")),
        return_exceptions=True,
    )
    assert [str(outcome) for outcome in outcomes] == ["guid-07", "no", "guid-21"]
    before = {row.guid: row.session_id for row in SAMPLE}
    assert _sessions(filled) == before | {"guid-07": "a", "guid-21": "c"}


async def test_when_the_transaction_is_undone_each_change_gets_one_of_its_own(
    database: Database, filled: Path
) -> None:
    attempts = []

    def undoing(execute: Execute) -> None:
        attempts.append("undoing")
        execute("ROLLBACK", ())
        raise sqlite3.OperationalError("interrupted")

    outcomes = await asyncio.gather(
        database.change(_setting("guid-07", "a")),
        database.change(undoing),
        database.change(_setting("guid-21", "c")),
        return_exceptions=True,
    )
    assert list(outcomes[::2]) == ["guid-07", "guid-21"]
    assert isinstance(outcomes[1], ServiceUnavailable)
    assert len(attempts) == 2
    sessions = _sessions(filled)
    assert (sessions["guid-07"], sessions["guid-21"]) == ("a", "c")


async def test_a_change_is_there_for_others_as_soon_as_it_is_answered(
    database: Database, filled: Path
) -> None:
    executions = Executions(database)
    for state in (ExecutionState.STOPPED, ExecutionState.ERROR, ExecutionState.TIMEOUT):
        await executions.update(["guid-07"], state)
        assert run_sql(filled, "SELECT state FROM executions WHERE guid = 'guid-07'") == [(state,)]


async def test_a_change_goes_on_when_whoever_asked_for_it_goes_away(
    database: Database, filled: Path
) -> None:
    await database.change(lambda _execute: None)
    asked = asyncio.ensure_future(database.change(_setting("guid-07", "kept")))
    await asyncio.sleep(0)
    asked.cancel()
    await database.change(lambda _execute: None)
    assert _sessions(filled)["guid-07"] == "kept"


async def test_of_many_who_expect_a_state_only_one_changes_it(
    database: Database, filled: Path
) -> None:
    run_sql(filled, "UPDATE executions SET state = 'INPROGRESS' WHERE guid = 'guid-07'")
    executions = Executions(database)
    outcomes = await asyncio.gather(
        *(
            executions.update(["guid-07"], state, ExecutionState.INPROGRESS)
            for state in [ExecutionState.STOPPED, ExecutionState.TERMINATED] * 10
        )
    )
    assert sum(bool(outcome.updated) for outcome in outcomes) == 1
    assert sum(bool(outcome.conflicts) for outcome in outcomes) == 19


async def test_another_program_that_writes_for_too_long_is_told_of(filled: Path) -> None:
    impatient = open_database(f"sqlite:///{filled}", busy_timeout=0.1)
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            *(impatient.change(_setting("guid-07", "a")) for _ in range(20)),
            return_exceptions=True,
        )
        other.execute("ROLLBACK")
    assert [str(outcome) for outcome in outcomes] == [
        "The database is busy with another write; try again in a moment"
    ] * 20
    assert await impatient.change(_setting("guid-07", "b")) == "guid-07"
    await impatient.close()


async def test_a_change_that_takes_too_long_is_interrupted_and_undone(filled: Path) -> None:
    hasty = open_database(f"sqlite:///{filled}", statement_timeout=0.1)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )

    def slow(execute: Execute) -> None:
        execute(_SET, ("lost", "guid-07"))
        execute(endless, ())

    with pytest.raises(ServiceUnavailable, match="too long"):
        await hasty.change(slow)
    assert _sessions(filled)["guid-07"] != "lost"
    assert await hasty.change(_setting("guid-07", "kept")) == "guid-07"
    await hasty.close()


class _FailingDisk(sqlite3.Connection):
    """A connection whose commits the disk does not confirm."""

    def execute(self, statement: str, parameters: Any = ()) -> sqlite3.Cursor:
        if statement == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error
        return super().execute(statement, parameters)


@pytest.mark.parametrize("count", [1, 3])
def test_changes_whose_commit_the_disk_does_not_confirm_are_uncertain_and_not_made_again(
    filled: Path, count: int
) -> None:
    made: list[int] = []
    changes = [lambda _execute, number=number: made.append(number) for number in range(count)]
    with closing(sqlite3.connect(filled, isolation_level=None, factory=_FailingDisk)) as connection:
        interruptible = Interruptible(SimpleNamespace(_conn=connection))
        outcomes = run_changes(interruptible, changes, flowise=FlowiseChanges())
        assert not connection.in_transaction
    assert [type(outcome) for outcome in outcomes] == [UncertainWrite] * count
    assert made == list(range(count))
    assert "may have been made" in str(outcomes[0])
