"""Forms of tables and of writes that Flowise's own are not, and that may be there all the same."""

import pytest

from db.database import Database
from db.flowise.opening import remove_sides
from db.flowise.postgres_sides import PostgresSides
from db.flowise.tables import find_tables
from db.opening import open_database
from tests.db.flowise.postgres import FLOW, check_sides, connected, identity, insert, install
from tests.flowise_tables import create_flowise
from tests.gateway import run_sql
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

ONE, TWO = identity(1), identity(2)
_FAILED = '[{"status":"ERROR","data":{"error":"no such model"}}]'


async def test_rows_that_are_copied_into_flowise_are_taken_over(
    place: PostgresPlace, database: Database
) -> None:
    await install(place, database)
    async with connected(place) as flowise:
        await flowise.copy_records_to_table(
            "execution",
            columns=("id", "executionData", "state", "agentflowId", "sessionId"),
            records=[
                (identity(number), _FAILED, "ERROR", FLOW, f"session-{number}")
                for number in range(300)
            ],
        )
        await check_sides(flowise)
        await flowise.execute("UPDATE execution SET state = 'STOPPED', \"updatedDate\" = now()")
        await check_sides(flowise)
        await flowise.execute("DELETE FROM executions")
        assert await flowise.fetchval("SELECT count(*) FROM execution") == 0


@pytest.mark.parametrize(
    "reaction",
    [
        "UPDATE execution SET state = 'TERMINATED' WHERE id = it.id",
        "DELETE FROM execution WHERE id = it.id",
        "UPDATE execution SET state = 'PAUSED' WHERE id = it.id",
        "DELETE FROM executions WHERE guid = it.id::text",
    ],
)
async def test_what_triggers_of_somebodys_own_write_is_the_last(
    place: PostgresPlace, database: Database, reaction: str
) -> None:
    await install(place, database)
    async with connected(place) as flowise:
        await flowise.execute(
            "CREATE FUNCTION react() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE it execution := coalesce(NEW, OLD);"
            f" BEGIN IF pg_trigger_depth() < 2 THEN {reaction}; END IF; RETURN NULL; END $$"
        )
        await flowise.execute(
            "CREATE TRIGGER react AFTER INSERT OR UPDATE ON execution"
            " FOR EACH ROW EXECUTE FUNCTION react()"
        )
        await flowise.execute(insert(ONE, TWO))
        await check_sides(flowise)
        await flowise.execute("UPDATE execution SET state = 'ERROR', \"updatedDate\" = now()")
        await check_sides(flowise)


async def test_a_deletion_takes_the_execution_from_its_chat_messages(
    place: PostgresPlace, database: Database
) -> None:
    await install(place, database)
    async with connected(place) as flowise:
        await flowise.execute(insert(ONE, TWO))
        for id_ in (ONE, TWO):
            await flowise.execute(
                'INSERT INTO chat_message (role, chatflowid, content, "chatId", "executionId")'
                f" VALUES ('apiMessage', '{FLOW}', '{id_}', 'chat', '{id_}')"
            )
        await flowise.execute(f"DELETE FROM executions WHERE guid = '{ONE}'")
        rows = await flowise.fetch('SELECT content, "executionId"::text FROM chat_message')
        assert sorted(map(tuple, rows)) == [(ONE, None), (TWO, TWO)]


async def test_a_rule_of_somebodys_own_on_the_gateways_side_never_refuses_what_flowise_writes(
    place: PostgresPlace, database: Database
) -> None:
    sides = await install(place, database)
    place.refuse("INSERT", f"NEW.guid = '{ONE}'")
    async with connected(place) as flowise:
        await flowise.execute(insert(ONE, TWO))
        await sides.catch_up()
        counts = await sides.count()
        assert (counts.flowise, counts.gateway, counts.difference) == (2, 1, 0)
        place.allow("INSERT")
        assert await sides.catch_up() == 1
        await check_sides(flowise)


async def test_ids_may_be_texts_and_times_may_have_a_zone(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    for table in ("execution", "chat_flow"):
        run_sql(place, f"ALTER TABLE {table} ALTER COLUMN id TYPE varchar")
    for column in ("createdDate", "updatedDate", "stoppedDate"):
        run_sql(place, f'ALTER TABLE execution ALTER COLUMN "{column}" TYPE timestamptz')
    sides = PostgresSides(database, await find_tables(database))
    async with connected(place, timezone="Asia/Kolkata") as flowise:
        await flowise.execute(insert('it-s "one', "two"))
        await sides.install()
        await sides.copy_batch("", 10)
        await flowise.execute(insert("three"))
        await flowise.execute("UPDATE executions SET state = 'STOPPED' WHERE guid <> 'two'")
        await flowise.execute("DELETE FROM executions WHERE guid = 'three'")
        await check_sides(flowise)
        stopped = "SELECT id FROM execution WHERE state = 'STOPPED' AND \"stoppedDate\" <= now()"
        assert await flowise.fetchval(stopped) == 'it-s "one'


async def test_the_tables_may_be_in_a_schema_whose_name_has_to_be_quoted(
    new_schema: str, place: PostgresPlace
) -> None:
    del new_schema
    database = open_database(place.url)
    try:
        sides = PostgresSides(database, await find_tables(database))
        async with connected(place) as flowise:
            await sides.install()
            assert await sides.is_installed()
            await flowise.execute(insert(ONE, TWO))
            await flowise.execute("SET search_path = pg_catalog")
            await flowise.execute(f"DELETE FROM \"Flow ise's\".execution WHERE id = '{TWO}'")
            await flowise.execute("UPDATE public.executions SET state = 'STOPPED'")
            await flowise.execute("RESET search_path")
            await check_sides(flowise)
            await remove_sides(database)
            assert not await sides.is_installed()
    finally:
        await database.close()


@pytest.fixture
def new_schema(place: PostgresPlace) -> str:
    """A schema for Flowise's tables, which the path of sessions has before the gateway's."""
    run_sql(place, 'CREATE SCHEMA "Flow ise\'s"')
    run_sql(place, f'ALTER DATABASE {place.name} SET search_path = "Flow ise\'s", public')
    create_flowise(place)
    return "Flow ise's"
