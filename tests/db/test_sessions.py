"""A session exists as long as it has an execution."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db.database import Database
from db.sessions import SessionRow, Sessions
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE
from tests.statements import recorded_statements

pytestmark = pytest.mark.anyio


async def test_sessions_are_found_in_the_order_of_their_ids(
    place: Place, database: Database
) -> None:
    insert(place, SAMPLE)
    ids = ["session-2", "nobody", "session-1", "", "a\0b"]
    with recorded_statements() as statements:
        found = await Sessions(database).find_many(ids)
    assert found == [SessionRow("session-2"), None, SessionRow("session-1"), None, None]
    assert len(statements) == 1


async def test_a_session_is_not_found_once_its_last_execution_is_gone(
    place: Place, database: Database
) -> None:
    insert(place, SAMPLE)
    run_sql(place, "DELETE FROM executions WHERE session_id = 'session-1'")
    assert await Sessions(database).find_many(["session-1"]) == [None]


@pytest.mark.sqlite
async def test_a_session_whose_id_is_not_utf_8_is_found_as_it_is_shown(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER executions_checked_insert")
        connection.execute(
            "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
            " VALUES ('g', 'f', CAST(X'61E9' AS TEXT), 'ERROR', 1)"
        )
    found = await Sessions(database).find_many(["a\ufffd", "b\ufffd", "a\udce9"])
    assert found == [SessionRow("a\udce9"), None, SessionRow("a\udce9")]
