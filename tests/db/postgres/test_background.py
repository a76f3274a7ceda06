"""PostgreSQL's background tasks go on after any error."""

import asyncio
from typing import Any

import pytest

from db.clients import Client
from db.database import Database
from db.opening import open_database
from db.postgres.lag import Lag
from db.postgres.recent_writers import RecentWriters
from tests.places import Place

pytestmark = pytest.mark.anyio


async def _in_time(work: Any) -> Any:
    return await asyncio.wait_for(work, 20)


@pytest.mark.postgres
async def test_a_lag_that_could_not_be_measured_is_measured_again(
    server: object,  # noqa: ARG001 - of PostgreSQL
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("db.postgres.lag.MEASURE_SECONDS", 0.001)
    database = open_database(place.url)
    read = database.read
    failures = iter([RuntimeError("a fault")] * 3)

    def sometimes(*arguments: Any, **options: Any) -> Any:
        for failure in failures:
            raise failure
        return read(*arguments, **options)

    monkeypatch.setattr(database, "read", sometimes)
    lag = Lag(database, database, 10.0)

    async def bounded() -> None:
        while not lag.is_acceptable():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    await _in_time(bounded())
    await lag.close()
    await database.close()


@pytest.mark.postgres
async def test_a_look_for_writers_that_was_broken_off_is_followed_by_another(
    database: Database, place: Place
) -> None:
    place.run("SELECT 1", [()])
    writers = RecentWriters(database, 60.0)
    client = Client("somebody", may_write=True)
    first = asyncio.ensure_future(writers.has_written(client))
    await asyncio.sleep(0)
    assert writers._next_fetch is not None
    writers._next_fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await _in_time(writers.has_written(client)) is False
