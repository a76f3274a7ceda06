"""The two sides in a file of SQLite: what is made between them, and how they become equal."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db.database import Database
from db.executions import Executions
from db.flowise.opening import remove_sides
from db.flowise.sides import Batch, Counts
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.tables import find_tables
from db.migrations.removal import remove
from db.migrations.upgrade import upgrade
from db.models import ExecutionState
from db.opening import open_database
from tests.db.flowise.equality import check_sides
from tests.flowise_tables import SQLITE_REBUILDS, add_executions, add_flows, create_flowise
from tests.gateway import run_sql
from tests.places import Place, SQLitePlace

pytestmark = pytest.mark.anyio

ODD: list[dict[str, object]] = [
    {"id": "", "state": "FINISHED"},
    {"id": "a", "state": "PAUSED"},
    {"id": "b", "createdDate": "yesterday"},
    {"id": "c", "updatedDate": "0000-01-01 00:00:00"},
    {"id": "bytes"},
    {"id": "d" * 10_001, "state": "ERROR"},
    {"id": "e", "agentflowId": "flow\0"},
]
"""Executions that can't be taken over."""


async def _copy(sides: SQLiteSides, limit: int = 2) -> Batch:
    """Copy everything, and return what all batches came to."""
    after, total = "", Batch(None)
    while True:
        batch = await sides.copy_batch(after, limit)
        total = Batch(None, *(a + b for a, b in zip(total[1:], batch[1:], strict=True)))
        if batch.last is None:
            return total
        assert batch.last > after
        after = batch.last


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        check_sides(connection)


async def test_what_is_installed_is_found_and_can_be_removed(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    before = run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1")
    assert not await sides.is_installed()
    for _ in range(2):
        await sides.install()
        assert await sides.is_installed()
    for _ in range(2):
        await remove_sides(database)
        assert run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1") == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE execution RENAME TO another",
        "ALTER TABLE chat_flow RENAME TO another",
        "ALTER TABLE execution ADD COLUMN another text",
        "ALTER TABLE execution DROP COLUMN action",
        'ALTER TABLE execution RENAME COLUMN "sessionId" TO another',
    ],
)
async def test_what_is_installed_stands_in_the_way_of_no_migration(
    place: Place, sides: SQLiteSides, statement: str
) -> None:
    await sides.install()
    run_sql(place, statement)


async def test_nothing_is_left_of_it_in_flowises_tables(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "flowise.sqlite")
    create_flowise(place)
    add_flows(place, {"flow-a": "Support"})
    add_executions(place, ODD)
    add_executions(place, [{"id": "x", "createdDate": "2025-10-05 01:47:19"}])
    with closing(sqlite3.connect(place.path)) as flowise:
        before = list(flowise.iterdump())
    database = open_database(place.url)
    await upgrade(database)
    sides = SQLiteSides(database, await find_tables(database))
    await sides.install()
    await sides.copy_flows()
    await _copy(sides)
    _check(place.path)
    await remove_sides(database)
    await remove(database)
    await database.close()
    with closing(sqlite3.connect(place.path)) as flowise:
        assert list(flowise.iterdump()) == before


async def test_what_another_version_has_made_is_replaced(place: Place, sides: SQLiteSides) -> None:
    await sides.install()
    run_sql(place, "DROP TRIGGER flowise_changed")
    run_sql(place, "CREATE TRIGGER flowise_changed AFTER INSERT ON executions BEGIN SELECT 1; END")
    assert not await sides.is_installed()
    await sides.install()
    assert await sides.is_installed()


async def test_what_only_another_version_has_made_goes(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    async def remove_all() -> None:
        await remove_sides(database)

    before = run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1")
    other = (
        "CREATE TRIGGER flowise_of_old AFTER INSERT ON execution"
        " BEGIN INSERT INTO gone VALUES (NEW.id); END"
    )
    await sides.install()
    installed = run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1")
    for act, left in ((sides.install, installed), (remove_all, before)):
        run_sql(place, other)
        assert not await sides.is_installed()
        await act()
        assert run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1") == left
        add_executions(place, [{"id": act.__name__}])


async def test_triggers_of_others_stay(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    run_sql(
        place,
        "CREATE TRIGGER flowise_of_others AFTER INSERT ON workspace BEGIN SELECT 1; END",
    )
    await sides.install()
    assert await sides.is_installed()
    await remove_sides(database)
    find = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'workspace'"
    assert run_sql(place, find) == [("flowise_of_others",)]


async def test_what_is_there_is_copied_once_and_what_cannot_be_is_noted(
    path: Path, place: Place, sides: SQLiteSides
) -> None:
    add_flows(place, {"flow-a": "Support", "flow-b": "Billing"})
    add_executions(place, [{"id": f"x{number}"} for number in range(5)])
    add_executions(place, ODD)
    run_sql(place, "UPDATE execution SET id = X'FF' WHERE id = 'bytes'")
    await sides.install()
    assert [await sides.copy_flows() for _ in range(2)] == [2, 0]
    looked = await sides.copy_batch("", 100, is_dry=True)
    assert (looked.inserted, looked.left_out) == (5, len(ODD))
    assert await sides.count() == Counts(12, 0, 0)
    first, again = await _copy(sides), await _copy(sides)
    assert (first.inserted, first.changed, first.deleted, first.left_out) == (5, 0, 0, len(ODD))
    assert (again.inserted, again.changed, again.deleted, again.left_out) == (0, 0, 0, len(ODD))
    assert await sides.count() == Counts(12, 5, 7)
    assert (await sides.count()).difference == 0
    _check(path)


async def test_an_execution_that_is_put_right_is_taken_over_and_may_be_left_out_again(
    path: Path, place: Place, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x", "state": "PAUSED"}])
    reasons = run_sql(place, "SELECT guid, reason FROM flowise_left_out")
    assert reasons == [("x", "its state is none of the six")]
    for state in ("FINISHED", "PAUSED", "ERROR"):
        run_sql(place, "UPDATE execution SET state = ?", state)
        assert await sides.catch_up() == 0
        _check(path)


async def test_what_has_drifted_is_mended_as_flowise_has_it(
    path: Path, place: Place, database: Database, sides: SQLiteSides
) -> None:
    await sides.install()
    add_flows(place, {"flow-a": "Support", "flow-b": "Billing"})
    add_executions(place, [{"id": name} for name in ("changed", "gone", "left out", "kept")])
    add_executions(place, [{"id": "noted", "state": "PAUSED"}])
    await remove_sides(database)
    run_sql(place, "UPDATE executions SET agentflow_id = 'other' WHERE guid = 'changed'")
    run_sql(place, "DELETE FROM executions WHERE guid = 'gone'")
    run_sql(place, "UPDATE execution SET state = 'PAUSED' WHERE id = 'left out'")
    run_sql(place, "UPDATE execution SET state = 'STOPPED' WHERE id = 'noted'")
    run_sql(
        place,
        "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES ('', 'f', 'ERROR',"
        " 5), ('more', 'f', 'ERROR', 5)",
    )
    run_sql(place, "UPDATE agentflows SET name = 'other' WHERE id = 'flow-a'")
    run_sql(place, "DELETE FROM agentflows WHERE id = 'flow-b'")
    run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('more', 'more')")
    await sides.install()
    assert await sides.copy_flows() == 3
    mended = await _copy(sides)
    assert (mended.inserted, mended.changed, mended.deleted, mended.left_out) == (2, 1, 1, 1)
    looked = await sides.remove_surplus("", 100, is_dry=True)
    assert looked.deleted == 2
    removed = [await sides.remove_surplus("", 100) for _ in range(2)]
    assert [batch.deleted for batch in removed] == [2, 0]
    _check(path)


async def test_an_execution_whose_row_another_one_takes_counts_as_a_difference_until_it_is_mended(
    path: Path, place: Place, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x"}])
    run_sql(
        place,
        'REPLACE INTO execution (rowid, "id", "state", "agentflowId", "sessionId", "executionData")'
        " SELECT rowid, 'y', state, agentflowId, sessionId, executionData FROM execution",
    )
    assert (await sides.count()).difference == -1
    assert (await sides.remove_surplus("", 100)).deleted == 1
    _check(path)


@pytest.mark.parametrize("table", sorted(SQLITE_REBUILDS))
async def test_a_table_can_be_rebuilt_and_its_triggers_are_missed(
    path: Path, place: Place, sides: SQLiteSides, table: str
) -> None:
    await sides.install()
    add_flows(place, {"flow-a": "Support"})
    add_executions(place, [{"id": "x"}, {"id": "y"}])
    with closing(sqlite3.connect(path, isolation_level=None)) as flowise:
        flowise.execute("PRAGMA foreign_keys = ON")
        flowise.execute("BEGIN")
        for statement in SQLITE_REBUILDS[table]:
            flowise.execute(statement)
        flowise.execute("COMMIT")
    assert await sides.is_installed() == (table == "chat_message")
    run_sql(place, "UPDATE execution SET state = 'ERROR' WHERE id = 'x'")
    run_sql(place, "UPDATE chat_flow SET name = 'Help'")
    await sides.install()
    await sides.copy_flows()
    await _copy(sides)
    _check(path)


async def test_columns_can_be_added_while_it_is_attached(
    path: Path, place: Place, sides: SQLiteSides
) -> None:
    await sides.install()
    for table in ("execution", "chat_flow", "chat_message"):
        run_sql(place, f'ALTER TABLE "{table}" ADD COLUMN "more" text')
    assert await sides.is_installed()
    add_executions(place, [{"id": "x", "more": "of it"}])
    _check(path)


@pytest.mark.sqlite
async def test_a_flowise_that_knows_no_workspaces_is_equal_too(
    place: Place, database: Database
) -> None:
    create_flowise(place, is_old=True)
    sides = SQLiteSides(database, await find_tables(database))
    add_executions(place, [{"id": "before"}])
    await sides.install()
    await _copy(sides)
    add_executions(place, [{"id": "after"}])
    run_sql(place, "UPDATE execution SET state = 'STOPPED'")
    add_flows(place, {"flow-a": "Support"})
    assert run_sql(place, "SELECT DISTINCT workspace_id FROM executions") == [(None,)]
    assert run_sql(place, "SELECT * FROM agentflows") == [("flow-a", "Support")]
    await Executions(database).update(["after"], ExecutionState.ERROR)
    assert run_sql(place, "SELECT state FROM execution WHERE id = 'after'") == [("ERROR",)]


async def test_a_state_that_the_gateway_sets_is_written_as_flowise_writes_it(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x", "state": "INPROGRESS"}])
    stopped = None
    for state in (ExecutionState.STOPPED, ExecutionState.TERMINATED):
        [updated] = (await Executions(database).update(["x"], state)).updated
        [(at,)] = run_sql(
            place,
            "SELECT strftime('%Y-%m-%d %H:%M:%S', ? / 1000, 'unixepoch') || '.' || ?",
            updated.updated_on,
            f"{updated.updated_on % 1000:03}",
        )
        [row] = run_sql(place, 'SELECT "state", "updatedDate", "stoppedDate" FROM execution')
        # Flowise keeps when an execution was stopped.
        stopped = at if state == ExecutionState.STOPPED else stopped
        assert row == (state, at, stopped)


async def test_what_fails_is_brought_no_more_than_it_is_changed(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x", "state": "INPROGRESS"}])
    run_sql(
        place,
        "CREATE TRIGGER refuse BEFORE UPDATE ON execution WHEN NEW.state = 'ERROR'"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    with pytest.raises(sqlite3.IntegrityError):
        await Executions(database).update(["x"], ExecutionState.ERROR)
    assert run_sql(place, "SELECT state FROM executions") == [("INPROGRESS",)]
    await Executions(database).update(["x"], ExecutionState.STOPPED)
    assert run_sql(place, "SELECT state FROM execution") == [("STOPPED",)]


async def test_what_other_programs_change_waits_for_its_turn(
    path: Path, place: Place, database: Database, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": f"x{number}", "state": "INPROGRESS"} for number in range(4)])
    run_sql(place, "UPDATE executions SET state = 'ERROR' WHERE guid <> 'x0'")
    run_sql(place, "DELETE FROM executions WHERE guid = 'x3'")
    await Executions(database).update(["x0"], ExecutionState.STOPPED)
    states = "SELECT id, state FROM execution ORDER BY id"
    assert [state for _, state in run_sql(place, states)] == ["STOPPED", *["INPROGRESS"] * 3]
    assert await sides.catch_up() == 4
    assert run_sql(place, states) == [("x0", "STOPPED"), ("x1", "ERROR"), ("x2", "ERROR")]
    assert await sides.catch_up() == 0
    _check(path)


async def test_a_later_write_of_flowise_wins_over_what_waits(
    path: Path, place: Place, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x", "state": "INPROGRESS"}])
    run_sql(place, "UPDATE executions SET state = 'TERMINATED'")
    run_sql(place, "UPDATE execution SET \"executionData\" = '[1]'")
    await sides.catch_up()
    assert run_sql(place, "SELECT state FROM execution") == [("INPROGRESS",)]
    _check(path)


async def test_messages_are_searched_only_for_executions_that_are_deleted(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    await sides.install()
    add_executions(place, [{"id": "x", "state": "INPROGRESS"}])
    executions = Executions(database)
    await executions.update(["x"], ExecutionState.ERROR)
    assert database.searched_for == 0
    await executions.delete(["x"])
    assert database.searched_for > 0


async def test_a_file_that_is_attached_by_another_process_is_followed_at_once_until_it_no_longer_is(
    place: Place, database: Database, sides: SQLiteSides
) -> None:
    executions = Executions(database)
    await executions.update(["nothing"], ExecutionState.ERROR)
    await sides.install()
    add_executions(place, [{"id": "x", "state": "INPROGRESS"}])
    await executions.update(["x"], ExecutionState.STOPPED)
    assert run_sql(place, "SELECT state FROM execution") == [("STOPPED",)]
    await remove_sides(database)
    await executions.update(["x"], ExecutionState.ERROR)
    assert run_sql(place, "SELECT state FROM execution") == [("STOPPED",)]
