"""The gateway recovers by itself when PostgreSQL crashes or the network to it breaks."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain_http
from tests.faults.programs import Clients, graphql, is_ready, program, wait_until
from tests.faults.proxies import Proxy, proxy
from tests.faults.writes import DELETE, TOTALS, Writers, assert_totals_are_true, fill
from tests.gateway import migrate
from tests.places import Place, PostgresPlace, PostgresServer, postgres_server

pytestmark = pytest.mark.postgres

CRASHES = 4
COUNT = 40_000


@pytest.fixture(scope="module")
def own_server(server: PostgresServer) -> Iterator[PostgresServer]:  # noqa: ARG001 - only with it
    """A server that may be crashed, as long as it is started again."""
    with postgres_server(survives_crashes=True) as started:
        yield started


@pytest.fixture(scope="module")
def filled(own_server: PostgresServer) -> PostgresPlace:
    """A database to be copied."""
    place = own_server.new(Path())

    migrate(place)
    fill(place, COUNT)
    return place


@pytest.fixture
def own(own_server: PostgresServer, filled: PostgresPlace) -> PostgresPlace:
    return own_server.copy(filled, Path())


def test_a_server_that_crashes_again_and_again_loses_nothing_acknowledged(
    own_server: PostgresServer, own: PostgresPlace
) -> None:
    chance = random.Random(7)
    with program(own) as running:
        writers = Writers(lambda: running.url, COUNT)
        clients = Clients(6, writers.ask)
        for _ in range(CRASHES):
            time.sleep(0.5 + chance.random() / 2)
            own_server.crash()
            time.sleep(chance.random() / 4)
            own_server.restart()
            wait_until(lambda: is_ready(running.url))
        clients.stop()
        writers.check(own)
        assert writers.acknowledged > 10 * CRASHES
        assert_totals_are_true(running.url, own)


def test_readiness_follows_the_server(own_server: PostgresServer, own: PostgresPlace) -> None:
    with program(own) as running:
        assert is_ready(running.url)
        own_server.crash()
        wait_until(lambda: not is_ready(running.url))
        own_server.restart()
        wait_until(lambda: is_ready(running.url))


@pytest.fixture
def network(own_server: PostgresServer) -> Iterator[Proxy]:
    with proxy(own_server.socket) as between:
        yield between


@pytest.fixture
def behind(own: PostgresPlace, network: Proxy) -> Place:
    """The same database, reached through a network."""
    reached = PostgresPlace(own.server, own.name)
    reached.url = f"postgresql://postgres@127.0.0.1:{network.port}/{own.name}"
    return reached


def test_a_read_does_not_notice_that_its_connection_was_reset(
    behind: PostgresPlace, network: Proxy
) -> None:
    with program(behind) as running:
        for _ in range(20):
            assert graphql(running.url, TOTALS) is not None
            network.reset()


def test_a_write_whose_connection_breaks_is_said_to_be_uncertain(
    behind: PostgresPlace, network: Proxy
) -> None:
    with program(behind) as running:
        assert graphql(running.url, DELETE, guids=["g-1"]) is not None
        # One message there and one back, and the network breaks between them.
        network.slow(1.0)
        timer = threading.Timer(0.5, network.reset)
        timer.start()
        body = plain_http.post(
            f"{running.url}/graphql",
            json={"query": DELETE, "variables": {"guids": ["g-2"]}},
            timeout=30,
        ).json()
        timer.join()
        assert "made as a whole or not at all" in body["errors"][0]["message"]


def test_a_network_that_is_cut_is_told_in_time_and_noticed_when_it_is_back(
    behind: PostgresPlace, network: Proxy
) -> None:
    with program(behind, statement_timeout="1", busy_timeout="1") as running:
        assert graphql(running.url, TOTALS) is not None
        network.cut()
        assert graphql(running.url, TOTALS) is None
        assert not is_ready(running.url)
        network.mend()
        wait_until(lambda: is_ready(running.url))
        assert graphql(running.url, TOTALS) is not None


def test_writes_over_a_network_that_breaks_are_whole_or_not_made(
    own: PostgresPlace, behind: PostgresPlace, network: Proxy
) -> None:
    with program(behind, statement_timeout="2", busy_timeout="2") as running:
        writers = Writers(lambda: running.url, COUNT)
        clients = Clients(6, writers.ask)
        for _ in range(10):
            time.sleep(0.2)
            network.reset()
        network.slow(0.05)
        time.sleep(0.5)
        network.cut()
        time.sleep(0.5)
        network.mend()
        time.sleep(0.5)
        clients.stop()
        wait_until(lambda: is_ready(running.url))
        # What was sent before the cut may still be on its way to its end.
        wait_until(lambda: graphql(running.url, TOTALS) is not None)
        writers.check(own)
        assert_totals_are_true(running.url, own)
