"""Copying executions while Flowise writes, and after copying was broken off."""

import asyncio
import contextlib
import itertools
import sqlite3
import threading
from collections.abc import Iterator

import anyio
import asyncpg
import pytest

from db.flowise.attachment import Attached, Attachment
from db.flowise.marker import create_marker, read_marker
from db.flowise.refusals import CannotAttach
from db.opening import open_database
from tests.db.flowise import equality, postgres
from tests.faults.programs import start, wait_until
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace, SQLitePlace

_COLUMNS = '"id", "executionData", "state", "agentflowId", "sessionId"'
_PAUSE = 0.003
_FAILED = '[{"status":"ERROR","data":{"error":"no model"}}]'


def _add_many(place: Place, count: int) -> None:
    id_ = "substr(CAST(100000000 + i AS text), 2) || '-0000-4000-8000-000000000000'"
    is_sqlite = isinstance(place, SQLitePlace)
    kind = "varchar" if is_sqlite else "uuid"
    run_sql(
        place,
        f"INSERT INTO execution ({_COLUMNS}) WITH RECURSIVE numbers(i) AS"
        f" (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
        f" SELECT CAST({id_} AS {kind}), '{_FAILED}', 'ERROR',"
        f" CAST('{postgres.FLOW}' AS {kind}), 'session' FROM numbers",
    )


def _writes(number: int) -> Iterator[str]:
    """What Flowise writes of an execution, and what becomes of others meanwhile."""
    id_ = postgres.identity(number)
    values = f"'{id_}', '[]', 'INPROGRESS', '{postgres.FLOW}', 'session'"
    yield f"INSERT INTO execution ({_COLUMNS}) VALUES ({values})"
    yield (
        f"UPDATE execution SET \"executionData\" = '{_FAILED}', state = 'ERROR',"
        f" \"updatedDate\" = CURRENT_TIMESTAMP WHERE id = '{id_}'"
    )
    other = f"{number % 1000 + 1:08}-0000-4000-8000-000000000000"
    if number % 3 == 0:
        yield f"DELETE FROM execution WHERE id = '{other}'"
    else:
        yield f"UPDATE execution SET state = 'STOPPED' WHERE id = '{other}'"


class _Writer:
    """A Flowise that writes all the time, and waits for locks no longer than its driver does."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_ending = threading.Event()
        self.refused: list[Exception] = []
        self.writes = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Write while the block runs."""
        run = self._write_file if isinstance(self._place, SQLitePlace) else self._write_server
        thread = threading.Thread(target=run)
        thread.start()
        try:
            wait_until(lambda: self.writes > 0)
            yield
        finally:
            self._is_ending.set()
            thread.join()

    def _statements(self) -> Iterator[str]:
        for number in itertools.count(1):
            for statement in _writes(number):
                if self._is_ending.is_set():
                    return
                yield statement
                self.writes += 1
                # Node.js does something else, too.
                self._is_ending.wait(_PAUSE)

    def _write_file(self) -> None:
        assert isinstance(self._place, SQLitePlace)
        with contextlib.closing(
            sqlite3.connect(self._place.path, timeout=1, isolation_level=None)
        ) as connection:
            for statement in self._statements():
                try:
                    connection.execute(statement)
                except sqlite3.Error as error:
                    self.refused.append(error)

    def _write_server(self) -> None:
        async def write() -> None:
            assert isinstance(self._place, PostgresPlace)
            connection = await asyncpg.connect(self._place.url)
            for statement in self._statements():
                try:
                    await connection.execute(statement)
                except asyncpg.PostgresError as error:
                    self.refused.append(error)
            await connection.close()

        asyncio.run(write())


def _attach(place: Place) -> None:
    async def run() -> None:
        database = open_database(place.url)
        try:
            await Attachment(database).attach(lambda _: None)
        finally:
            await database.close()

    anyio.run(run)


def _check_sides(place: Place) -> None:
    """Take over what was left for later, as a gateway does; and compare both sides."""

    async def run() -> None:
        database = open_database(place.url)
        try:
            sides = await Attachment(database).open_sides()
            while await sides.catch_up():
                pass
        finally:
            await database.close()
        if isinstance(place, PostgresPlace):
            async with postgres.connected(place) as connection:
                await postgres.check_sides(connection)

    anyio.run(run)
    if isinstance(place, SQLitePlace):
        with contextlib.closing(sqlite3.connect(place.path)) as connection:
            equality.check_sides(connection)


@pytest.mark.parametrize("count", [4_000, pytest.param(20_000, marks=pytest.mark.load)])
def test_what_flowise_writes_while_executions_are_copied_is_never_refused(
    flowise: Place, count: int
) -> None:
    _add_many(flowise, count)
    writer = _Writer(flowise)
    with writer.running():
        before = writer.writes
        _attach(flowise)
        during = writer.writes - before
    assert writer.refused == []
    assert during > 20
    _check_sides(flowise)


def test_of_first_calls_of_attach_at_once_one_goes_on_to_the_end(flowise: Place) -> None:
    _add_many(flowise, 500)

    async def attach() -> Attached | str:
        database = open_database(flowise.url)
        try:
            return await Attachment(database).attach(lambda _: None)
        except CannotAttach as refusal:
            return refusal.message
        finally:
            await database.close()

    async def attach_at_once() -> list[Attached | str]:
        return await asyncio.gather(*(attach() for _ in range(3)))

    taken_over = "Another call of attach has taken over, and goes on from here: wait for its end"
    ends = asyncio.run(attach_at_once())
    assert {end for end in ends if isinstance(end, str)} <= {taken_over}
    assert any(isinstance(end, Attached) for end in ends)
    _check_sides(flowise)


def test_a_database_is_marked_once(flowise: Place) -> None:
    async def mark() -> None:
        databases = [open_database(flowise.url) for _ in range(4)]
        try:
            modes = ("delete", "wal", "truncate", "persist")
            await asyncio.gather(*map(create_marker, databases, modes))
            marker = await read_marker(databases[0])
            assert marker is not None
            assert not marker.is_complete
        finally:
            for database in databases:
                await database.close()

    asyncio.run(mark())


def test_a_program_that_is_killed_while_it_copies_is_made_good_by_the_next(flowise: Place) -> None:
    _add_many(flowise, 2_000)

    def copied() -> int:
        [(tables,)] = run_sql(flowise, _HAS_TABLE[isinstance(flowise, SQLitePlace)])
        return int(run_sql(flowise, "SELECT count(*) FROM executions")[0][0]) if tables else 0

    with start("attach", "flowise", "--database", flowise.url) as program:
        wait_until(lambda: copied() > 0)
        program.kill()
    assert 0 < copied() < 2_000
    for number in range(1, 1_000, 200):
        for statement in _writes(number):
            run_sql(flowise, statement)
    _attach(flowise)
    assert copied() > 1_990
    _check_sides(flowise)


_HAS_TABLE = {
    True: "SELECT count(*) FROM sqlite_master WHERE name = 'executions'",
    False: "SELECT count(to_regclass('executions'))",
}


# It takes some seconds.
@pytest.mark.load
def test_the_error_in_fifty_megabytes_is_followed_when_flowise_writes_it(flowise: Place) -> None:
    _attach(flowise)
    id_ = postgres.identity(1)
    long = "x" * (50 * 2**20)
    data = f'[{{"nodeId":"a","data":"{long}"}},{{"nodeId":"b",{_FAILED[2:]}'
    values = f"'{id_}', '{data}', 'ERROR', '{postgres.FLOW}', 'session'"
    run_sql(flowise, f"INSERT INTO execution ({_COLUMNS}) VALUES ({values})")
    assert run_sql(flowise, "SELECT state, error FROM executions") == [("ERROR", "no model")]
    run_sql(flowise, f"UPDATE execution SET \"executionData\" = '{_FAILED} '")
    assert run_sql(flowise, "SELECT state, error FROM executions") == [("ERROR", "no model")]
    _check_sides(flowise)
