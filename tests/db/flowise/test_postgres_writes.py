"""Whatever is written on one side in PostgreSQL is on the other in the same transaction."""

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.database import Database
from db.opening import open_database
from tests.db.events.outbox import events_in, replay, rows_in
from tests.db.flowise.postgres import check_sides, install
from tests.db.flowise.postgres_drawn import statements
from tests.examples import examples
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

_EMPTY = (
    "TRUNCATE execution, chat_flow, chat_message",
    "DELETE FROM execution_events",
    "DELETE FROM flowise_left_out",
    "DELETE FROM flowise_not_yet",
)


async def _run(connection: Any, statement: str) -> None:
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        # Flowise's own tables and transactions may refuse it, and nothing of the gateway's.
        is_of_gateway = "gateway_flowise_" in (getattr(error, "context", None) or "")
        if is_of_gateway or isinstance(error, asyncpg.SyntaxOrAccessError):
            raise


class _Played:
    """Two connections to an attached database, and the gateway's."""

    async def open(self, place: PostgresPlace, database: Database) -> None:
        self.place = place
        self.sides = await install(place, database)
        self.flowise, self.other = [await asyncpg.connect(place.url) for _ in range(2)]

    async def play(self, written: list[str]) -> None:
        for statement in _EMPTY:
            await self.other.execute(statement)
        for statement in [*written, "ROLLBACK"]:
            await _run(self.flowise, statement)
            if not self.flowise.is_in_transaction():
                await self.sides.catch_up()
                await check_sides(self.other)
        copy: dict[str, Any] = {}
        replay(events_in(self.place), copy)
        assert copy == rows_in(self.place)

    async def close(self) -> None:
        for connection in (self.flowise, self.other):
            await connection.close()


def test_both_sides_are_equal_after_every_commit(place: PostgresPlace) -> None:
    with asyncio.Runner() as runner:
        database = open_database(place.url)
        played = _Played()
        runner.run(played.open(place, database))

        @settings(max_examples=examples(100), deadline=None)
        @given(st.lists(statements(), min_size=5, max_size=25))
        def check(written: list[str]) -> None:
            runner.run(played.play(written))

        try:
            check()
        finally:
            runner.run(played.close())
            runner.run(database.close())
