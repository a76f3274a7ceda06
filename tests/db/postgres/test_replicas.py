"""Only clients without recent writes read from a replica, which is paused here on purpose."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from db.clients import Client, set_current_client
from db.database import Database
from db.events.log import EventLog
from db.opening import open_database
from db.postgres.recent_writers import RecentWriters
from tests.db.events.following import LIST, Follower, rows_by_guid
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, insert, make_key, migrate, run_sql, running_gateway
from tests.places import PostgresPlace, PostgresServer, postgres_server
from tests.sample import SAMPLE
from tests.standbys import Standby, standby
from tests.waiting import in_time

pytestmark = pytest.mark.postgres

STOP = """mutation ($guid: ID!) {
  updateExecution(guid: $guid, input: {state: STOPPED}) { __typename }
}"""
GUID = SAMPLE[6].guid
"""An execution that is in progress."""


@pytest.fixture(scope="module")
def primary(server: PostgresServer) -> Iterator[PostgresServer]:  # noqa: ARG001 - only with it
    """A server that may have a replica."""
    with postgres_server(survives_crashes=True) as started:
        yield started


@pytest.fixture(scope="module")
def replica(primary: PostgresServer) -> Iterator[Standby]:
    with standby(primary) as following:
        yield following


@pytest.fixture
def own(primary: PostgresServer) -> PostgresPlace:
    """The sample in a database of the primary."""
    place = primary.new(Path())

    migrate(place)
    insert(place, SAMPLE)
    return place


class Asker:
    """A client with its own key."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._gateway = gateway
        self._headers = bearer(key)

    def state(self) -> str:
        """The state of one execution, as this client sees it."""
        answer = self._gateway.http.get(f"/executions/{GUID}", headers=self._headers)
        state: str = answer.json()["state"]
        return state

    def stop(self) -> None:
        """Stop it."""
        body = {"query": STOP, "variables": {"guid": GUID}}
        answer = self._gateway.http.post("/graphql", json=body, headers=self._headers)
        assert "errors" not in answer.json()


@pytest.fixture
def keys(own: PostgresPlace) -> dict[str, str]:
    scopes = {"reader": ["read"], "writer": ["read", "update"], "other": ["read", "update"]}
    return {name: make_key(own, *each) for name, each in scopes.items()}


@pytest.fixture
def start(
    own: PostgresPlace, replica: Standby, keys: dict[str, str]
) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways that read from the replica, and waits until they do."""
    with ExitStack() as stack:

        def start_gateway(**settings: Any) -> Gateway:
            read_url = replica.url_of(own.name)
            running = running_gateway(own, read_database_url=read_url, **settings)
            gateway = stack.enter_context(running)
            wait_until(lambda: _is_replica_read(gateway, keys["reader"]))
            return gateway

        try:
            yield start_gateway
        finally:
            replica.resume()


def _reads_of_replica(gateway: Gateway) -> float:
    text = gateway.http.get("/metrics").text
    [reads] = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "gateway_database_reads_total" and sample.labels["server"] == "replica"
    ]
    return reads


def _is_replica_read(gateway: Gateway, key: str) -> bool:
    before = _reads_of_replica(gateway)
    Asker(gateway, key).state()
    return _reads_of_replica(gateway) > before


@pytest.fixture
def gateway(start: Callable[..., Gateway]) -> Gateway:
    return start()


@pytest.fixture
def reader(gateway: Gateway, keys: dict[str, str]) -> Asker:
    """A client that may only read."""
    return Asker(gateway, keys["reader"])


@pytest.fixture
def writer(gateway: Gateway, keys: dict[str, str]) -> Asker:
    return Asker(gateway, keys["writer"])


def _change(place: PostgresPlace, state: str) -> None:
    """Change the execution as an engine does, on the primary."""
    run_sql(place, "UPDATE executions SET state = ? WHERE guid = ?", state, GUID)


# Who may be answered by the replica


def test_who_only_reads_is_told_what_the_replica_has(
    reader: Asker, own: PostgresPlace, replica: Standby
) -> None:
    replica.pause()
    _change(own, "ERROR")
    assert reader.state() == "INPROGRESS"
    replica.resume()
    wait_until(lambda: reader.state() == "ERROR")


def test_who_may_write_and_has_not_is_told_the_same(
    gateway: Gateway, keys: dict[str, str], own: PostgresPlace, replica: Standby
) -> None:
    replica.pause()
    _change(own, "ERROR")
    assert Asker(gateway, keys["other"]).state() == "INPROGRESS"


def test_who_has_just_written_reads_what_it_wrote(
    writer: Asker, reader: Asker, replica: Standby
) -> None:
    replica.pause()
    writer.stop()
    assert writer.state() == "STOPPED"
    assert reader.state() == "INPROGRESS"


def test_who_has_just_written_reads_it_through_every_other_gateway(
    writer: Asker, start: Callable[..., Gateway], keys: dict[str, str], replica: Standby
) -> None:
    another = start()
    replica.pause()
    writer.stop()
    assert Asker(another, keys["writer"]).state() == "STOPPED"
    assert Asker(another, keys["other"]).state() == "INPROGRESS"


def test_who_writes_over_rest_reads_what_it_wrote(
    gateway: Gateway, keys: dict[str, str], writer: Asker, replica: Standby
) -> None:
    replica.pause()
    gateway.http.put(
        f"/executions/{GUID}", json={"state": "STOPPED"}, headers=bearer(keys["writer"])
    )
    assert writer.state() == "STOPPED"


def test_where_no_key_was_made_whoever_writes_reads_what_was_written(
    own: PostgresPlace, start: Callable[..., Gateway], replica: Standby
) -> None:
    gateway = start(auth="off")
    replica.pause()
    _change(own, "ERROR")
    assert gateway.http.get(f"/executions/{GUID}").json()["state"] == "INPROGRESS"
    gateway.http.put(f"/executions/{GUID}", json={"state": "STOPPED"})
    assert gateway.http.get(f"/executions/{GUID}").json()["state"] == "STOPPED"


@pytest.mark.anyio
async def test_a_client_that_wrote_is_known_for_a_while_and_then_no_more(
    own: PostgresPlace,
) -> None:
    client = Client("somebody", may_write=True)
    database = open_database(own.url)
    here, elsewhere = RecentWriters(database, 0.3), RecentWriters(database, 0.3)
    try:
        await here.record(client)
        assert await here.has_written(client)
        assert await elsewhere.has_written(client)
        await anyio.sleep(0.3)
        assert not await here.has_written(client)
        assert not await elsewhere.has_written(client)
    finally:
        await database.close()


@pytest.mark.anyio
async def test_a_list_that_is_read_with_its_cursor_is_of_the_primary(
    own: PostgresPlace, replica: Standby
) -> None:
    database = open_database(own.url, read_url=replica.url_of(own.name))
    log = EventLog(database)
    set_current_client(Client("somebody", may_write=False))
    try:
        async with in_time("nothing is read from the replica"):
            while not _reads_of(database)["replica"]:
                await database.read(LIST, ())
        replica.pause()
        await log.end()
        _change(own, "ERROR")
        before = dict(_reads_of(database))
        follower = await Follower.load(database, log, 10, log.end)
        assert follower.copy == rows_by_guid(run_sql(own, LIST))
        assert _reads_of(database)["replica"] == before["replica"]
        assert await follower.follow(log) == 0
        _change(own, "FINISHED")
        assert await follower.follow(log) == 1
    finally:
        replica.resume()
        await database.close()


def _reads_of(database: Database) -> dict[str, float]:
    return {
        metric.labels["server"]: metric.value()
        for metric in database.metrics()
        if metric.name == "gateway_database_reads"
    }


# What the replica can't answer


def test_a_replica_that_is_too_far_behind_is_not_read(
    start: Callable[..., Gateway], own: PostgresPlace, keys: dict[str, str], replica: Standby
) -> None:
    gateway = start(max_replica_lag=0.2)
    replica.pause()
    _change(own, "ERROR")
    wait_until(lambda: Asker(gateway, keys["reader"]).state() == "ERROR")
    replica.resume()
    wait_until(lambda: _is_replica_read(gateway, keys["reader"]))


def test_without_its_replica_a_gateway_reads_from_the_primary(
    gateway: Gateway, reader: Asker, keys: dict[str, str], replica: Standby
) -> None:
    replica.crash()
    try:
        assert reader.state() == "INPROGRESS"
        assert gateway.http.get("/readyz").status_code == 200
        assert not _is_replica_read(gateway, keys["reader"])
    finally:
        replica.restart()
    wait_until(lambda: _is_replica_read(gateway, keys["reader"]))


def test_how_far_the_replica_is_behind_is_told(gateway: Gateway) -> None:
    assert 'gateway_database_connections{server="replica"' in gateway.http.get("/metrics").text
    assert "gateway_replica_lag_seconds 0.0" in gateway.http.get("/metrics").text
