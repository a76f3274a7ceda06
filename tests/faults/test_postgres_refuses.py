"""PostgreSQL has no room, or can only be read: clients are told, and need no restart afterwards."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks import CAN_MOUNT, SmallDisk, mounted
from tests.faults.programs import Clients, graphql, is_ready, program, wait_until
from tests.faults.writes import TOTALS, Writers, assert_totals_are_true, change, fill
from tests.gateway import migrate, run_sql
from tests.places import PostgresPlace, PostgresServer, postgres_server

pytestmark = pytest.mark.postgres

COUNT = 20_000
STATES = itertools.cycle(("ERROR", "TIMEOUT"))


@pytest.fixture
def disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        inner = Path(folder) / "disk"
        inner.mkdir()
        with mounted(inner):
            yield inner


@pytest.fixture
def small(disk: Path, server: PostgresServer) -> Iterator[PostgresPlace]:  # noqa: ARG001 - only with it
    """A database on a disk that is soon full."""
    with postgres_server() as own:
        owner = own.socket.stat()
        os.chown(disk, owner.st_uid, owner.st_gid)
        own.run("postgres", f"CREATE TABLESPACE small LOCATION '{disk}'", [()])
        own.run("postgres", "CREATE DATABASE small TABLESPACE small", [()])
        place = PostgresPlace(own, "small")

        migrate(place)
        fill(place, COUNT)
        yield place
        own.run("postgres", "DROP DATABASE small WITH (FORCE)", [()])
        own.run("postgres", "DROP TABLESPACE small", [()])


@pytest.mark.skipif(not CAN_MOUNT, reason="only root can give PostgreSQL a disk of its own")
def test_on_a_full_disk_reads_go_on_and_writes_are_refused_until_there_is_room(
    small: PostgresPlace, disk: Path
) -> None:
    full = SmallDisk(disk)
    writers = Writers(lambda: running.url, COUNT - 1)
    with program(small) as running:

        def write() -> tuple[int, str]:
            return change(running.url, f"g-{COUNT - 1}", next(STATES))

        clients = Clients(4, writers.ask)
        wait_until(lambda: writers.acknowledged > 10)
        full.fill()
        # What has room in the pages that there are is still written.
        refusal = (503, "The database's disk is full; nothing was written")
        wait_until(lambda: write() == refusal, 120)
        assert graphql(running.url, TOTALS) is not None
        assert is_ready(running.url)
        full.empty()
        wait_until(lambda: write()[1] == "")
        clients.stop()
        writers.check(small)
        assert_totals_are_true(running.url, small)


def test_a_database_that_can_only_be_read_is_read_and_written_when_it_can_be(
    place: PostgresPlace,
) -> None:
    fill(place, 10)

    def let(setting: str) -> None:
        place.server.run("postgres", f"ALTER DATABASE {place.name} {setting}", [()])
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        place.server.run("postgres", others, [(place.name,)])

    with program(place) as running:
        let("SET default_transaction_read_only = on")
        refusal = (503, "The database can only be read; nothing was written")
        wait_until(lambda: change(running.url, "g-1", "STOPPED") == refusal)
        wait_until(lambda: graphql(running.url, TOTALS) is not None)
        assert is_ready(running.url)
        let("RESET default_transaction_read_only")
        wait_until(lambda: change(running.url, "g-1", "STOPPED") == (200, ""))
        assert run_sql(place, "SELECT state FROM executions WHERE guid = 'g-1'") == [("STOPPED",)]
        assert_totals_are_true(running.url, place)
