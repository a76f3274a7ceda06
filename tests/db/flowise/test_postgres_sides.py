"""The two sides in PostgreSQL: what is made between them, and how they become equal."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.database import Database
from db.flowise.attachment import Attachment
from db.flowise.opening import remove_sides
from db.flowise.postgres_sides import PostgresSides
from db.flowise.refusals import CannotAttach
from db.flowise.sides import Batch, Counts
from db.flowise.tables import find_tables
from db.opening import open_database
from tests.catalog import CATALOG
from tests.db.flowise.postgres import check_sides, connected, identity, insert, install
from tests.flowise_tables import OLD_POSTGRES_TABLES, POSTGRES_MIGRATIONS, create_flowise
from tests.gateway import run_sql
from tests.places import PostgresPlace, PostgresServer

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

_ROWS = "SELECT ctid, xmin, * FROM execution ORDER BY id"


async def _copy(sides: PostgresSides, limit: int = 3) -> Batch:
    """Copy all executions, and remove what is left over."""
    found = Batch(None)
    for step in (sides.copy_batch, sides.remove_surplus):
        last: str | None = ""
        while last is not None:
            batch = await step(last, limit)
            last = batch.last
            found = Batch(
                None, *(one + more for one, more in zip(found[1:], batch[1:], strict=True))
            )
    return found


async def test_what_is_installed_is_found_and_can_be_removed(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    run_sql(place, insert(identity(1), state="ERROR"))
    sides = PostgresSides(database, await find_tables(database))
    catalog, rows = run_sql(place, CATALOG), run_sql(place, _ROWS)
    assert not await sides.is_installed()
    for _ in range(2):
        await sides.install()
        assert await sides.is_installed()
    for _ in range(2):
        await remove_sides(database)
        assert run_sql(place, CATALOG) == catalog
        assert run_sql(place, _ROWS) == rows


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE execution DISABLE TRIGGER ALL",
        "DROP TRIGGER gateway_flowise_flow_update ON chat_flow",
        "DROP TABLE flowise_left_out",
        "ALTER FUNCTION gateway_flowise_take RESET ALL",
        "ALTER FUNCTION gateway_flowise_back_update SECURITY INVOKER",
        "DROP TABLE flowise_not_yet",
        (
            "CREATE OR REPLACE FUNCTION gateway_flowise_flow_update() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
        ),
        (
            "CREATE TABLE rebuilt (LIKE execution INCLUDING ALL); DROP TABLE execution;"
            " ALTER TABLE rebuilt RENAME TO execution"
        ),
    ],
)
async def test_what_is_no_longer_there_is_noticed_and_made_again(
    place: PostgresPlace, database: Database, change: str
) -> None:
    await install(place, database)
    async with connected(place) as flowise:
        await flowise.execute(change)
        sides = PostgresSides(database, await find_tables(database))
        assert not await sides.is_installed()
        await sides.install()
        assert await sides.is_installed()
        await flowise.execute(insert(identity(1)))
        await check_sides(flowise)


async def test_functions_of_others_stay_and_what_depends_on_the_gateways_is_named(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    run_sql(place, "CREATE FUNCTION gateway_flowise_mine() RETURNS int LANGUAGE sql AS 'SELECT 7'")
    run_sql(place, "CREATE VIEW mine AS SELECT gateway_flowise_mine()")
    attachment = Attachment(database)
    await attachment.attach(lambda _: None)
    run_sql(place, "CREATE VIEW reasons AS SELECT reason FROM flowise_left_out")
    with pytest.raises(CannotAttach, match="view reasons depends on the gateway's table flowise"):
        await attachment.detach()
    run_sql(place, "DROP VIEW reasons")
    sides = await attachment.open_sides()
    former = f"COMMENT ON FUNCTION gateway_flowise_mine() IS '{'0' * 16} {'1' * 64}'"
    assert await sides.is_installed()
    run_sql(place, former)
    assert not await sides.is_installed()
    with pytest.raises(CannotAttach, match="view mine depends on the gateway's function gateway_"):
        await sides.install()
    run_sql(place, "COMMENT ON FUNCTION gateway_flowise_mine() IS 'mine'")
    await attachment.detach()
    assert run_sql(place, "SELECT * FROM mine") == [(7,)]


async def test_a_function_of_a_former_version_goes(
    place: PostgresPlace, database: Database
) -> None:
    sides = await install(place, database)
    for statement in (
        (
            "CREATE FUNCTION gateway_flowise_old() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'"
        ),
        (
            "CREATE TRIGGER gateway_flowise_old AFTER INSERT ON execution"
            " EXECUTE FUNCTION gateway_flowise_old()"
        ),
        f"COMMENT ON FUNCTION gateway_flowise_old() IS '{'0' * 16} {'1' * 64}'",
    ):
        run_sql(place, statement)
    assert not await sides.is_installed()
    await sides.install()
    assert await sides.is_installed()


@pytest.mark.parametrize("name", ["gateway_flowise_take", "gateway_casefold"])
async def test_functions_of_others_with_names_that_the_gateway_needs_are_refused(
    name: str, server: PostgresServer, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    create_flowise(place)
    run_sql(place, f"CREATE FUNCTION {name}(int) RETURNS int LANGUAGE sql AS 'SELECT 7'")
    database = open_database(place.url)
    try:
        with pytest.raises(CannotAttach, match=f"has a function {name} that is not the gateway's"):
            await Attachment(database).attach(lambda _: None)
    finally:
        await database.close()
        server.drop(place)


@pytest.mark.parametrize("name", ["a$$b", "a$gateway$b", "a$gateway", 'it\'s %s: "x"'])
async def test_the_schema_may_have_any_name(
    name: str, server: PostgresServer, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    schema = '"' + name.replace('"', '""') + '"'
    run_sql(place, f"CREATE SCHEMA {schema}")
    run_sql(place, f"ALTER DATABASE {place.name} SET search_path = {schema}")
    database = open_database(place.url)
    try:
        async with connected(place) as flowise:
            for statement in (*OLD_POSTGRES_TABLES, *POSTGRES_MIGRATIONS):
                await flowise.execute(statement)
            before = await flowise.fetch(CATALOG)
            await Attachment(database).attach(lambda _: None)
            await flowise.execute(insert(identity(1)))
            await flowise.execute("UPDATE executions SET state = 'ERROR'")
            await check_sides(flowise)
            await Attachment(database).detach()
            assert await flowise.fetch(CATALOG) == before
    finally:
        await database.close()
        server.drop(place)


async def test_migrations_of_flowise_run_while_it_is_attached(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place, is_old=True)
    async with connected(place) as flowise:
        sides = PostgresSides(database, await find_tables(database))
        await sides.install()
        session = identity(77)
        await flowise.execute(insert(identity(1)).replace("session-a", session))
        for statement in POSTGRES_MIGRATIONS:
            await flowise.execute(statement)
        # The types of columns are others now, and there is one more.
        await flowise.execute(insert(identity(2)))
        await flowise.execute("UPDATE execution SET state = 'ERROR', \"updatedDate\" = now()")
        assert not await sides.catch_up()
        sides = PostgresSides(database, await find_tables(database))
        assert not await sides.is_installed()
        await sides.install()
        await _copy(sides)
        await check_sides(flowise)


async def test_rows_are_copied_in_batches_and_what_has_drifted_is_mended(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    sides = PostgresSides(database, await find_tables(database))
    ids = [identity(number) for number in range(10)]
    async with connected(place) as flowise:
        await flowise.execute(insert(*ids[:8]))
        await flowise.execute(insert(*ids[8:], state="PAUSED"))
        await sides.install()
        dry = await sides.copy_batch("", 100, is_dry=True)
        assert dry == Batch(None, 10, inserted=8, left_out=2)
        assert await sides.copy_batch("", 5) == Batch(ids[4], 5, inserted=5)
        assert await sides.copy_batch(ids[4], 5) == Batch(ids[9], 5, inserted=3, left_out=2)
        assert await sides.copy_batch(ids[9], 5) == Batch(None)
        await check_sides(flowise)
        assert await sides.count() == Counts(10, 8, 2)
        await flowise.execute("SET session_replication_role = replica")
        await flowise.execute(f"UPDATE execution SET state = 'ERROR' WHERE id < '{ids[2]}'")
        await flowise.execute(f"DELETE FROM execution WHERE id = '{ids[3]}'")
        await flowise.execute("UPDATE execution SET state = 'FINISHED' WHERE state = 'PAUSED'")
        assert await _copy(sides) == Batch(None, 19, inserted=2, changed=2, deleted=1)
        await check_sides(flowise)
        assert await _copy(sides) == Batch(None, 18)


async def test_flows_are_copied(place: PostgresPlace, database: Database) -> None:
    create_flowise(place)
    sides = PostgresSides(database, await find_tables(database))
    async with connected(place) as flowise:
        await flowise.execute(
            'INSERT INTO chat_flow (id, name, "flowData")'
            f" VALUES ('{identity(1)}', 'Support', '{{}}'), ('{identity(2)}', 'Sales', '{{}}')"
        )
        await sides.install()
        await flowise.execute("INSERT INTO agentflows (id, name) VALUES ('of-nobody', 'x')")
        assert await sides.copy_flows() == 3
        await check_sides(flowise)
        assert await sides.copy_flows() == 0


async def test_a_role_without_rights_is_told_what_it_lacks(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    role = place.server.role("gateway_test_poor")
    for statement in (
        "GRANT ALL ON SCHEMA public TO {0}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}",
    ):
        run_sql(place, statement.format(role))
    poor = open_database(place.url.replace("postgres@", f"{role}@"))
    try:
        sides = PostgresSides(poor, await find_tables(database))
        with pytest.raises(CannotAttach) as refusal:
            await sides.install()
    finally:
        await poor.close()
    assert refusal.value.message == (
        "The role 'gateway_test_poor' lacks rights on Flowise's tables: use the role that Flowise "
        "itself uses (its DATABASE_USER), or let postgres run: "
        "GRANT UPDATE, DELETE, TRIGGER ON execution TO gateway_test_poor; "
        "GRANT TRIGGER ON chat_flow TO gateway_test_poor; "
        "GRANT UPDATE ON chat_message TO gateway_test_poor. Nothing was changed"
    )


async def test_the_role_of_an_ordinary_flowise_can_attach_it(
    server: PostgresServer, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    create_flowise(place)
    role = place.server.role("gateway_test_owner")
    run_sql(place, f"GRANT ALL ON SCHEMA public TO {role}")
    for table in ("execution", "chat_flow", "chat_message", "migrations", "workspace"):
        run_sql(place, f"ALTER TABLE {table} OWNER TO {role}")
    database = open_database(place.url.replace("postgres@", f"{role}@"))
    try:
        await Attachment(database).attach(lambda _: None)
        flowise: Any = await asyncpg.connect(place.url, user=role)
        await flowise.execute(insert(identity(1), identity(2)))
        await flowise.execute("UPDATE execution SET state = 'ERROR', \"updatedDate\" = now()")
        await flowise.execute("UPDATE executions SET state = 'STOPPED'")
        await flowise.execute(f"DELETE FROM executions WHERE guid = '{identity(2)}'")
        assert await flowise.fetchval("SELECT state FROM execution") == "STOPPED"
        await check_sides(flowise)
        await flowise.close()
        await Attachment(database).detach()
    finally:
        await database.close()
        server.drop(place)


async def test_a_role_that_does_not_own_the_gateways_tables_is_told_whose_they_are(
    place: PostgresPlace,
) -> None:
    create_flowise(place)
    role = place.server.role("gateway_test_poor")
    run_sql(place, f"GRANT ALL ON SCHEMA public TO {role}")
    run_sql(place, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    poor = open_database(place.url.replace("postgres@", f"{role}@"))
    try:
        for work in (Attachment(poor).attach(lambda _: None), Attachment(poor).detach()):
            with pytest.raises(CannotAttach) as refusal:
                await work
            assert refusal.value.message == (
                "The gateway's tables in this database belong to the role 'postgres', and only it "
                "can attach or detach: use that role. Nothing was changed"
            )
    finally:
        await poor.close()


async def test_a_role_that_may_not_read_flowises_migrations_does_not_learn_its_version(
    place: PostgresPlace,
) -> None:
    create_flowise(place)
    role = place.server.role("gateway_test_poor")
    poor = open_database(place.url.replace("postgres@", f"{role}@"))
    try:
        assert (await find_tables(poor)).version is None
    finally:
        await poor.close()


async def test_whoever_writes_one_side_needs_no_rights_on_the_other(
    place: PostgresPlace, database: Database
) -> None:
    await install(place, database)
    flowise_role, engine_role = map(place.server.role, ("gateway_test_flowise", "gateway_test_eng"))
    run_sql(place, f"GRANT ALL ON execution, chat_flow, chat_message TO {flowise_role}")
    run_sql(place, f"GRANT SELECT, UPDATE, DELETE ON executions TO {engine_role}")

    async def run(role: str, *statements: str) -> None:
        connection: Any = await asyncpg.connect(place.url, user=role)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    await run(flowise_role, insert(identity(1), identity(2)))
    await run(engine_role, "UPDATE executions SET state = 'TERMINATED'")
    await run(engine_role, f"DELETE FROM executions WHERE guid = '{identity(2)}'")
    async with connected(place) as owner:
        await check_sides(owner)
        assert await owner.fetchval("SELECT count(*) FROM execution") == 1


async def test_times_are_in_the_time_zone_of_the_server(place: PostgresPlace) -> None:
    run_sql(place, f"ALTER DATABASE {place.name} SET timezone = 'America/New_York'")
    there = open_database(place.url)
    try:
        sides = await install(place, there)
        async with connected(place) as flowise:
            await flowise.execute(insert(identity(1)))
            times = 'SELECT ("createdDate" AT TIME ZONE \'America/New_York\'), "updatedDate"'
            created, before = await flowise.fetchrow(f"{times} FROM execution")
            written = "SELECT created_on, updated_on FROM executions"
            created_on, updated_on = await flowise.fetchrow(written)
            assert created_on == updated_on == int(created.timestamp() * 1000)
            await flowise.execute("UPDATE executions SET state = 'STOPPED'")
            _, after = await flowise.fetchrow(f"{times} FROM execution")
            assert 0 <= (after - before).total_seconds() < 600
        assert await sides.is_installed()
    finally:
        await there.close()
