"""What is found of Flowise's tables, and what is refused by name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.database import Database
from db.flowise.tables import NotFlowise, find_tables
from db.opening import open_database
from tests.gateway import run_sql
from tests.places import Place, Server

pytestmark = pytest.mark.anyio

EXECUTION = """
CREATE TABLE execution (
    "id" varchar PRIMARY KEY NOT NULL, "executionData" text NOT NULL, "action" text,
    "state" varchar NOT NULL, "agentflowId" varchar NOT NULL, "sessionId" varchar NOT NULL,
    "isPublic" boolean, "createdDate" timestamp NOT NULL, "updatedDate" timestamp NOT NULL,
    "stoppedDate" timestamp, "workspaceId" varchar
)
"""
CHAT_FLOW = (
    'CREATE TABLE chat_flow ("id" varchar PRIMARY KEY NOT NULL, "name" varchar, "workspaceId" text)'
)


@pytest.fixture
async def empty(server: Server, tmp_path: Path) -> AsyncIterator[tuple[Place, Database]]:
    place = server.new(tmp_path)
    database = open_database(place.url)
    yield place, database
    await database.close()
    server.drop(place)


async def _refusal(database: Database) -> str:
    with pytest.raises(NotFlowise) as refused:
        await find_tables(database)
    return refused.value.message


async def test_columns_have_the_types_that_the_database_says(
    empty: tuple[Place, Database],
) -> None:
    place, database = empty
    for statement in (EXECUTION, CHAT_FLOW):
        run_sql(place, statement)
    found = await find_tables(database)
    assert found.execution["id"] in ("varchar", "character varying")
    assert set(found.chat_flow) == {"id", "name"}
    assert (found.chat_message, found.version, found.has_workspaces) == ({}, None, True)


async def test_columns_that_a_version_does_not_have_are_no_error(
    empty: tuple[Place, Database],
) -> None:
    place, database = empty
    run_sql(place, EXECUTION.replace(', "workspaceId" varchar', "").replace('"action" text,', ""))
    run_sql(place, CHAT_FLOW.replace(', "workspaceId" text', ""))
    run_sql(place, 'CREATE TABLE chat_message ("id" varchar PRIMARY KEY, "content" text)')
    found = await find_tables(database)
    assert not found.has_workspaces
    assert found.chat_message == {}


async def test_the_newest_migration_is_the_version(empty: tuple[Place, Database]) -> None:
    place, database = empty
    for statement in (
        EXECUTION,
        CHAT_FLOW,
        'CREATE TABLE chat_message ("id" varchar PRIMARY KEY, "executionId" varchar)',
        "CREATE TABLE migrations (id integer PRIMARY KEY, timestamp bigint, name varchar)",
        "INSERT INTO migrations VALUES (9, 1, 'Old1'), (10, 2, 'New2')",
    ):
        run_sql(place, statement)
    found = await find_tables(database)
    assert found.version == "New2"
    assert set(found.chat_message) == {"id", "executionId"}


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([], "no table execution and no table chat_flow"),
        ([EXECUTION], "no table chat_flow"),
        ([EXECUTION.replace('"state" varchar NOT NULL,', "")], "execution is not what Flowise"),
        ([EXECUTION.replace('"state" varchar NOT NULL,', "")], "no column state"),
        ([EXECUTION.replace("PRIMARY KEY", "")], "id is not its primary key"),
        (["CREATE VIEW execution AS SELECT 1 AS id"], "no ordinary table"),
    ],
)
async def test_other_tables_are_refused_by_name(
    empty: tuple[Place, Database], statements: list[str], said: str
) -> None:
    place, database = empty
    for statement in statements:
        run_sql(place, statement)
    assert said in await _refusal(database)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (EXECUTION.rstrip() + " WITHOUT ROWID", "it is made WITHOUT ROWID"),
        (EXECUTION.replace("KEY NOT NULL", "KEY"), "its id may be null"),
        (EXECUTION.replace("varchar PRIMARY", "INTEGER PRIMARY"), "its id is a number"),
        (
            EXECUTION.replace("varchar PRIMARY", "varchar COLLATE NOCASE PRIMARY"),
            "its id is compared as 'NOCASE', and not as BINARY",
        ),
    ],
)
@pytest.mark.sqlite
async def test_a_key_that_flowise_does_not_make_is_refused(
    empty: tuple[Place, Database], made: str, said: str
) -> None:
    place, database = empty
    run_sql(place, made)
    run_sql(place, CHAT_FLOW)
    assert said in await _refusal(database)


@pytest.mark.postgres
async def test_a_column_of_another_type_is_refused(empty: tuple[Place, Database]) -> None:
    place, database = empty
    run_sql(place, EXECUTION.replace('"createdDate" timestamp', '"createdDate" bigint'))
    assert "its column createdDate is of the type 'bigint'" in await _refusal(database)
