"""An engine needs rights on what it writes, and not on what triggers write."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.executions import Executions
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.gateway import run_sql
from tests.places import ENGINE, RIGHTS, PostgresPlace, PostgresServer

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

OWNER = "gateway_test_owner"
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " VALUES ($1, 'flow-a', 'ERROR', 0)"
)
_WITH_ID = (
    "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
    " VALUES ($1::bigint, 'given-' || $1::bigint, 'flow-a', 'ERROR', 0)"
)
_UPSERT = f"{_INSERT} ON CONFLICT (guid) DO UPDATE SET state = 'STOPPED'"


@pytest.fixture
async def engine(place: PostgresPlace) -> AsyncIterator[Any]:
    """A connection with the documented rights."""
    place.server.grant(place.name)
    connection = await asyncpg.connect(place.url, **ENGINE)
    yield connection
    await connection.close()


async def _id_of(engine: Any, guid: str) -> int:
    await engine.execute(_INSERT, guid)
    given: int = await engine.fetchval("SELECT id FROM executions WHERE guid = $1", guid)
    return given


async def _count(place: PostgresPlace) -> int:
    database = open_database(place.url)
    try:
        return await Executions(database).count()
    finally:
        await database.close()


def test_the_rights_are_those_that_are_documented() -> None:
    text = " ".join((Path(__file__).parents[3] / "docs" / "deploy.md").read_text().split())
    for right in RIGHTS:
        assert right.format("engine") in text


async def test_an_engine_writes_in_every_way_and_is_counted(
    engine: Any, place: PostgresPlace
) -> None:
    await engine.execute("INSERT INTO agentflows (id, name) VALUES ('flow-a', 'Support')")
    await engine.execute("UPDATE agentflows SET name = 'Sales'")
    await engine.execute(_INSERT, "plain")
    await engine.execute(_UPSERT, "plain")
    await engine.execute(_UPSERT, "another")
    await engine.execute(_WITH_ID, 100)
    await engine.copy_records_to_table(
        "executions",
        columns=("guid", "agentflow_id", "state", "created_on"),
        records=[(f"copied-{number}", "flow-b", "FINISHED", number) for number in range(5)],
    )
    await engine.execute("UPDATE executions SET state = 'TIMEOUT' WHERE agentflow_id = 'flow-b'")
    await engine.execute("UPDATE executions SET id = 200 WHERE guid = 'another'")
    await engine.execute("DELETE FROM executions WHERE guid IN ('plain', 'copied-1')")
    assert await _count(place) == 6
    assert run_sql(place, "SELECT state FROM executions WHERE guid = 'copied-2'") == [("TIMEOUT",)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM execution_count_notes",
        "SELECT gateway_tick()",
        "DELETE FROM execution_counts",
        "SELECT * FROM api_keys",
        "SELECT setval('executions_id_seq', 1)",
        "SELECT gateway_move_sequence(1000000)",
        "TRUNCATE executions",
    ],
)
async def test_an_engine_may_do_nothing_else(engine: Any, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await engine.execute(statement)


async def test_nobody_lets_a_table_of_their_own_be_counted(engine: Any) -> None:
    await engine.execute("CREATE TEMPORARY TABLE mine (LIKE executions)")
    for function in ("gateway_note_insert", "gateway_note_id"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await engine.execute(
                "CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )


async def test_a_table_of_the_same_name_in_a_session_changes_nothing(
    engine: Any, place: PostgresPlace
) -> None:
    await engine.execute("CREATE TEMPORARY TABLE execution_count_notes (start bigint)")
    await engine.execute("CREATE TEMPORARY TABLE executions_id_seq (last_value bigint)")
    await engine.execute("CREATE TEMPORARY TABLE execution_events (id bigint)")
    await engine.execute("SET search_path = pg_temp, public")
    await engine.execute(_INSERT, "g-1")
    await engine.execute(_WITH_ID, 50)
    assert await _count(place) == 2
    assert run_sql(place, "SELECT count(*) FROM execution_events") == [(2,)]
    assert await _id_of(engine, "g-2") == 51


async def test_whoever_was_let_empty_the_table_has_the_counts_emptied(
    engine: Any, place: PostgresPlace
) -> None:
    await engine.execute(_INSERT, "g-1")
    run_sql(place, "SELECT gateway_fold_counts()")
    run_sql(place, f"GRANT TRUNCATE ON executions TO {ENGINE['user']}")
    await engine.execute("TRUNCATE executions")
    assert await _count(place) == 0
    run_sql(place, f"REVOKE TRUNCATE ON executions FROM {ENGINE['user']}")


async def test_tables_in_a_schema_of_their_owners_are_written_by_others(
    server: PostgresServer, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    server.role(OWNER, "owner")
    server.role(**ENGINE)
    server.run(place.name, f"CREATE SCHEMA {OWNER} AUTHORIZATION {OWNER}", [()])
    owned = place.url.replace("//postgres@", f"//{OWNER}@")
    database = open_database(owned)
    owner = await asyncpg.connect(owned)
    try:
        await upgrade(database)
        await owner.execute(f"GRANT USAGE ON SCHEMA {OWNER} TO {ENGINE['user']}")
        for right in RIGHTS:
            await owner.execute(right.format(ENGINE["user"]))
        engine = await asyncpg.connect(place.url, **ENGINE)
        try:
            await engine.execute(_INSERT.replace("executions", f"{OWNER}.executions"), "g-1")
            await engine.execute(_WITH_ID.replace("executions", f"{OWNER}.executions"), 10)
            await engine.execute(_INSERT.replace("executions", f"{OWNER}.executions"), "g-2")
        finally:
            await engine.close()
        assert await Executions(database).count() == 3
        assert await owner.fetchval("SELECT max(id) FROM executions") == 11
        assert await owner.fetchval("SELECT gateway_fold_counts()") == 3
        assert await owner.fetchval("SELECT gateway_tick()") == 2
        assert await owner.fetchval("SELECT count(*) FROM gateway_events_of(2, 0, 9)") == 3
    finally:
        await owner.close()
        await database.close()


# The ids that are given


@pytest.mark.parametrize("given", [1, 2, 1_000, 60_000, 2**40])
async def test_after_an_id_that_was_given_greater_ones_are_taken(engine: Any, given: int) -> None:
    await engine.execute(_WITH_ID, given)
    assert await _id_of(engine, "plain") == given + 1


async def test_ids_that_were_given_are_not_taken_again_by_a_smaller_one(engine: Any) -> None:
    await engine.execute(_WITH_ID, 100_000)
    await engine.execute(_WITH_ID, 50)
    assert await _id_of(engine, "plain") == 100_001


async def test_an_id_that_a_row_gets_later_is_not_taken_again(engine: Any) -> None:
    await engine.execute(_INSERT, "g-1")
    await engine.execute("UPDATE executions SET id = 70 WHERE guid = 'g-1'")
    assert await _id_of(engine, "plain") == 71


async def test_those_who_give_ids_do_not_wait_for_each_other(place: PostgresPlace) -> None:
    one, another = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
    try:
        async with asyncio.timeout(60), one.transaction(), another.transaction():
            await one.execute(_WITH_ID, 100_000)
            await another.execute(_WITH_ID, 200_000)
            await one.execute(_WITH_ID, 300_000)
    finally:
        await one.close()
        await another.close()


async def test_many_who_give_ids_and_take_them_never_move_them_back(place: PostgresPlace) -> None:
    place.server.grant(place.name)
    chance = random.Random(8)
    given = chance.sample(range(1_000, 900_000, 1_000), 300)

    async def write(numbers: list[int]) -> None:
        connection = await asyncpg.connect(place.url, **ENGINE)
        try:
            for number in numbers:
                await connection.execute(_WITH_ID, number)
                # The greatest that anybody has committed, and not only its own.
                greatest = await connection.fetchval("SELECT max(id) FROM executions")
                taken = await connection.fetchval("SELECT nextval('executions_id_seq')")
                assert taken > greatest >= number
        finally:
            await connection.close()

    await asyncio.gather(*(write(given[start::6]) for start in range(6)))
    [(taken,)] = run_sql(place, "SELECT nextval('executions_id_seq')")
    assert int(str(taken)) > max(given)
