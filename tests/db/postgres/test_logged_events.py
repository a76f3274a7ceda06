"""What triggers log of the statements that PostgreSQL has beyond plain ones."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.gateway import run_sql
from tests.places import ENGINE, PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " SELECT guid, 'flow-a', 'INPROGRESS', 0 FROM unnest($1::text[]) AS guid"
)
_LOGGED = "SELECT type, guid, old_state, state FROM execution_events WHERE id > $1 ORDER BY id"
CREATED, UPDATED, DELETED = "CREATED", "UPDATED", "DELETED"


class Writer:
    """A connection of an engine, and the events of what it did last."""

    def __init__(self, engine: Any, owner: Any) -> None:
        self.engine = engine
        self._owner = owner
        self._seen = 0

    async def events(self) -> list[tuple[Any, ...]]:
        """The type, the guid, and the states before and after of those not returned yet."""
        rows = await self._owner.fetch(_LOGGED, self._seen)
        self._seen = await self._owner.fetchval("SELECT max(id) FROM execution_events")
        return [tuple(row) for row in rows]

    async def logs(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its events."""
        await self.engine.execute(statement, *values)
        return await self.events()


@pytest.fixture
async def writer(place: PostgresPlace) -> AsyncIterator[Writer]:
    """A writer with the rights of an engine, and executions a, b and c."""
    place.server.grant(place.name)
    engine = await asyncpg.connect(place.url, **ENGINE)
    owner = await asyncpg.connect(place.url)
    made = Writer(engine, owner)
    await made.logs(_INSERT, ["a", "b", "c"])
    yield made
    await engine.close()
    await owner.close()


async def test_an_upsert_logs_what_it_did_with_each_row(writer: Writer) -> None:
    events = await writer.logs(
        f"{_INSERT} ON CONFLICT (guid) DO UPDATE SET state = 'ERROR'", ["b", "d"]
    )
    assert events == [
        (UPDATED, "b", "INPROGRESS", "ERROR"),
        (CREATED, "d", None, "INPROGRESS"),
    ]


async def test_an_upsert_that_leaves_rows_alone_logs_the_others(writer: Writer) -> None:
    events = await writer.logs(f"{_INSERT} ON CONFLICT DO NOTHING", ["a", "d"])
    assert events == [(CREATED, "d", None, "INPROGRESS")]


async def test_a_copy_logs_every_row(writer: Writer) -> None:
    await writer.engine.copy_records_to_table(
        "executions",
        columns=("guid", "agentflow_id", "state", "created_on"),
        records=[("d", "flow-b", "ERROR", 5), ("e", "flow-b", "STOPPED", 6)],
    )
    assert await writer.events() == [
        (CREATED, "d", None, "ERROR"),
        (CREATED, "e", None, "STOPPED"),
    ]


async def test_a_merge_logs_what_it_did_with_each_row(writer: Writer) -> None:
    if writer.engine.get_server_version().major < 15:
        pytest.skip("MERGE came with PostgreSQL 15")
    events = await writer.logs(
        "MERGE INTO executions USING (VALUES ('a'), ('b'), ('d')) AS given (guid)"
        " ON executions.guid = given.guid"
        " WHEN MATCHED AND given.guid = 'a' THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET state = 'TIMEOUT'"
        " WHEN NOT MATCHED THEN INSERT (guid, agentflow_id, state, created_on)"
        " VALUES (given.guid, 'flow-a', 'ERROR', 0)"
    )
    assert events == [
        (DELETED, "a", None, "INPROGRESS"),
        (UPDATED, "b", "INPROGRESS", "TIMEOUT"),
        (CREATED, "d", None, "ERROR"),
    ]


async def test_a_row_that_parts_of_a_statement_write_has_one_event(writer: Writer) -> None:
    events = await writer.logs(
        "WITH one AS (UPDATE executions SET state = 'ERROR' WHERE guid = 'a' RETURNING 1),"
        " another AS (UPDATE executions SET state = 'STOPPED' WHERE guid IN ('a', 'b') RETURNING 1)"
        " SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM another)"
    )
    assert sorted(events) == [
        (UPDATED, "a", "INPROGRESS", "ERROR"),
        (UPDATED, "b", "INPROGRESS", "STOPPED"),
    ]


async def test_a_row_that_a_statement_writes_anew_is_deleted_and_then_created(
    writer: Writer,
) -> None:
    events = await writer.logs(
        "WITH moved AS (DELETE FROM executions WHERE guid = 'a' RETURNING *)"
        " INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " SELECT guid, agentflow_id, 'ERROR', created_on FROM moved"
    )
    assert events == [(DELETED, "a", None, "INPROGRESS"), (CREATED, "a", None, "ERROR")]


async def test_an_update_at_a_cursor_is_logged(writer: Writer) -> None:
    async with writer.engine.transaction():
        await writer.engine.execute(
            "DECLARE place CURSOR FOR SELECT * FROM executions WHERE guid = 'b' FOR UPDATE"
        )
        await writer.engine.execute("MOVE place")
        await writer.engine.execute("UPDATE executions SET state = 'ERROR' WHERE CURRENT OF place")
    assert await writer.events() == [(UPDATED, "b", "INPROGRESS", "ERROR")]


async def test_another_guid_is_another_execution(writer: Writer) -> None:
    events = await writer.logs("UPDATE executions SET guid = 'z', state = 'ERROR' WHERE guid = 'b'")
    assert events == [(DELETED, "b", None, "INPROGRESS"), (CREATED, "z", None, "ERROR")]


async def test_guids_that_move_from_row_to_row_have_one_event_each(writer: Writer) -> None:
    await writer.logs("DELETE FROM executions WHERE guid = 'a'")
    # Row by row, in the order of the table: b becomes a before c becomes b.
    events = await writer.logs("UPDATE executions SET guid = chr(ascii(guid) - 1)")
    assert events[0] == (DELETED, "c", None, "INPROGRESS")
    assert sorted(events[1:]) == [
        (CREATED, "a", None, "INPROGRESS"),
        (UPDATED, "b", "INPROGRESS", "INPROGRESS"),
    ]


async def test_a_deleted_execution_is_logged_as_it_was_last(writer: Writer) -> None:
    await writer.logs("UPDATE executions SET session_id = 's', state = 'ERROR' WHERE guid = 'a'")
    await writer.logs("UPDATE executions SET workspace_id = 'w', error = 'e' WHERE guid = 'a'")
    [row] = await writer.engine.fetch("SELECT * FROM executions WHERE guid = 'a'")
    await writer.logs("DELETE FROM executions WHERE guid = 'a'")
    columns = "execution_id, guid, agentflow_id, session_id, state, created_on, updated_on"
    [logged] = await writer._owner.fetch(
        f"SELECT {columns}, finished_on, workspace_id, error FROM execution_events"
        " ORDER BY id DESC LIMIT 1"
    )
    assert tuple(logged) == tuple(row)


async def test_a_table_that_is_emptied_logs_every_row_as_deleted(
    writer: Writer, place: PostgresPlace
) -> None:
    run_sql(place, f"GRANT TRUNCATE ON executions TO {ENGINE['user']}")
    events = await writer.logs("TRUNCATE executions")
    assert events == [(DELETED, guid, None, "INPROGRESS") for guid in "abc"]
    run_sql(place, f"REVOKE TRUNCATE ON executions FROM {ENGINE['user']}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET state = 'ERROR' WHERE guid = 'x'",
        "DELETE FROM executions WHERE guid = 'x'",
        "INSERT INTO executions SELECT * FROM executions WHERE guid = 'x'",
        "UPDATE executions SET state = state, session_id = session_id",
    ],
)
async def test_what_changes_nothing_logs_nothing(writer: Writer, statement: str) -> None:
    assert await writer.logs(statement) == []


async def test_a_statement_without_rows_writes_nothing(writer: Writer) -> None:
    async with writer.engine.transaction():
        await writer.engine.execute("UPDATE executions SET state = 'ERROR' WHERE guid = 'x'")
        await writer.engine.execute("DELETE FROM executions WHERE guid = 'x'")
        # Only what writes has a transaction id.
        assert await writer.engine.fetchval("SELECT pg_current_xact_id_if_assigned()") is None


async def test_what_a_savepoint_takes_back_is_not_logged(writer: Writer) -> None:
    engine = writer.engine
    async with engine.transaction():
        await engine.execute("UPDATE executions SET state = 'ERROR' WHERE guid = 'a'")
        await engine.execute("SAVEPOINT here")
        await engine.execute("UPDATE executions SET state = 'STOPPED'")
        await engine.execute("ROLLBACK TO here")
        await engine.execute("DELETE FROM executions WHERE guid = 'b'")
    assert await writer.events() == [
        (UPDATED, "a", "INPROGRESS", "ERROR"),
        (DELETED, "b", None, "INPROGRESS"),
    ]


@pytest.mark.parametrize("table", ["execution_events", "event_ticks", "event_epochs"])
@pytest.mark.parametrize("statement", ["SELECT * FROM {0}", "DELETE FROM {0}"])
async def test_an_engine_neither_reads_nor_changes_events(
    writer: Writer, table: str, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.engine.execute(statement.format(table))
