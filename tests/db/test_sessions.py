"""A session exists as long as it has an execution."""

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
