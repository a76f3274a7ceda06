"""Servers differ in what they know of Unicode; names are folded as well as each can."""

from pathlib import Path
from unicodedata import normalize

import pytest
from sqlalchemy import text

from db.casefolding import fold
from db.database import Database
from db.executions import Executions
from db.migrations.upgrade import upgrade
from db.migrations.versions.r0006_rights_and_names import icu_casefold
from db.opening import open_database
from db.reading.filters import Condition
from tests.gateway import insert
from tests.places import PostgresServer
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

NAMES = ["Café", "CAFE\u0301", "Straße", "ẞ", "ΟΔΟΣ", "ΣΑΣ", "İstanbul", "각 agent", "ﬁ", "Ñandú"]


async def test_a_database_that_is_not_in_unicode_is_migrated_and_folds_ascii(
    server: PostgresServer, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    server.run("postgres", f"DROP DATABASE {place.name}", [()])
    server.run(
        "postgres",
        f"CREATE DATABASE {place.name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
        [()],
    )
    database = open_database(place.url)
    try:
        await upgrade(database)
        insert(place, [SAMPLE[0]._replace(agentflow_name="Support AGENT")])
        named = Condition("agentflow_name", "contains", "sUPPORT", ignore_case=True)
        assert await Executions(database).count(named) == 1
    finally:
        await database.close()


async def test_a_server_without_casefold_folds_with_icu(database: Database) -> None:
    icu = await database.fetch(text("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"))
    if not icu:
        pytest.skip("this server was built without ICU")
    folding = f"SELECT normalize({icu_casefold('normalize($1::text, NFD)')}, NFC)"
    for name in NAMES:
        assert await database.read(folding, (name,)) == [(fold(name),)], normalize("NFC", name)
