"""Retention and timeouts in several gateways over one database: one works, and all gets done."""

import contextlib
import itertools
import os
import signal
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests import plain_http
from tests.faults.programs import Clients, Program, graphql, program, wait_until
from tests.faults.writes import assert_totals_are_true, change, fill
from tests.gateway import run_sql
from tests.places import Place

COUNT = 600
SETTINGS = {"retention": "10s", "timeout_after": "10s"}
"""Short ages, so that gateways look every second."""
LIST = "{ executions(first: 20) { totalCount nodes { guid state } } }"


class Done(NamedTuple):
    """How many executions a gateway has deleted and timed out."""

    deleted: int
    timed_out: int


def _done_by(gateway: Program) -> Done:
    text = plain_http.get(f"{gateway.url}/metrics", timeout=60).text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    name = 'gateway_maintenance_executions_total{{work="{}"}}'
    works = ("retention", "timeouts")
    return Done(*(int(float(values.get(name.format(work), "0"))) for work in works))


def _count(place: Place, condition: str = "true") -> int:
    [(count,)] = run_sql(place, f"SELECT count(*) FROM executions WHERE {condition}")
    return int(count)


def _finished(place: Place) -> None:
    run_sql(place, "UPDATE executions SET state = 'FINISHED'")


def _slow(place: Place) -> None:
    """Let deleting an execution take longer than it would."""
    if "sqlite" in place.url:
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 4000)"
        run_sql(
            place,
            "CREATE TRIGGER slowly BEFORE DELETE ON executions"
            f" BEGIN SELECT count(*) FROM ({numbers} SELECT x FROM n); END",
        )
        return
    run_sql(
        place,
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.002); RETURN OLD; END $$",
    )
    run_sql(
        place,
        "CREATE TRIGGER slowly BEFORE DELETE ON executions FOR EACH ROW EXECUTE FUNCTION slowly()",
    )


def _let_leases_expire(place: Place) -> bool:
    """Do to the leases what a minute does; False while a batch holds them."""
    if "sqlite" not in place.url:
        free = "SELECT name FROM leases FOR UPDATE SKIP LOCKED"
        return bool(
            run_sql(place, f"UPDATE leases SET expires_on = 1 WHERE name IN ({free}) RETURNING 1")
        )
    with contextlib.suppress(sqlite3.OperationalError):
        return bool(run_sql(place, "UPDATE leases SET expires_on = 1 RETURNING 1"))
    return False


@pytest.fixture
def gateways(place: Place) -> Iterator[list[Program]]:
    """Two gateways over many old executions that have ended, which take a while to delete."""
    fill(place, COUNT)
    _finished(place)
    _slow(place)
    with program(place, **SETTINGS) as one, program(place, **SETTINGS) as another:
        yield [one, another]


def _at_work(place: Place, gateways: list[Program]) -> tuple[Program, Program]:
    """The gateway that deletes, once it has begun to, and the one that does not."""
    wait_until(lambda: _count(place) < COUNT)
    wait_until(lambda: any(_done_by(gateway).deleted for gateway in gateways))
    one, another = sorted(gateways, key=lambda gateway: _done_by(gateway).deleted)
    assert _done_by(one) == (0, 0)
    return another, one


def test_one_of_two_gateways_deletes_while_both_serve(
    place: Place, gateways: list[Program]
) -> None:
    urls = [gateway.url for gateway in gateways]
    seen: list[int] = []
    numbers = itertools.count()

    def read(client: int) -> None:
        data = graphql(urls[client % 2], LIST)
        assert data is not None
        seen.append(data["executions"]["totalCount"])

    def write(client: int) -> None:
        guid = f"new-{next(numbers)}"
        run_sql(
            place,
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES (?, 'flow', 'INPROGRESS', 4000000000000)",
            guid,
        )
        assert change(urls[client % 2], guid, "FINISHED") == (200, "")

    worker, other = _at_work(place, gateways)
    clients = [Clients(2, read), Clients(1, write)]
    old = "created_on < 4000000000000"
    wait_until(lambda: _count(place, old) == 0)
    for each in clients:
        each.stop()
    wait_until(lambda: _done_by(worker).deleted == COUNT)
    assert _done_by(other) == (0, 0)
    assert _count(place, "guid LIKE 'new-%'") == _count(place) > 0
    for url in urls:
        assert_totals_are_true(url, place)


def test_another_gateway_goes_on_when_the_one_at_work_is_killed(
    place: Place, gateways: list[Program]
) -> None:
    worker, other = _at_work(place, gateways)
    worker.kill()
    left = _count(place)
    assert 0 < left < COUNT
    wait_until(lambda: _let_leases_expire(place))
    wait_until(lambda: _count(place) == 0)
    wait_until(lambda: _done_by(other).deleted == left)
    assert_totals_are_true(other.url, place)


def test_a_gateway_that_was_stopped_and_replaced_does_nothing_more(
    place: Place, gateways: list[Program]
) -> None:
    worker, other = _at_work(place, gateways)
    os.kill(worker.pid, signal.SIGSTOP)
    stops = 1
    while not _let_leases_expire(place):
        # It was stopped in the middle of a batch; let it end that.
        os.kill(worker.pid, signal.SIGCONT)
        wait_until(lambda: plain_http.get(f"{worker.url}/healthz", timeout=60).status_code == 200)
        os.kill(worker.pid, signal.SIGSTOP)
        stops += 1
        assert stops < 100, "it is always in the middle of a batch"
    wait_until(lambda: _done_by(other).deleted > 0)
    os.kill(worker.pid, signal.SIGCONT)
    before = _done_by(worker).deleted
    wait_until(lambda: _count(place) == 0)
    wait_until(lambda: _done_by(other).deleted + before == COUNT)
    assert _done_by(worker).deleted == before
    assert_totals_are_true(worker.url, place)


def test_a_gateway_that_ends_hands_the_work_on_at_once(
    place: Place, gateways: list[Program]
) -> None:
    worker, other = _at_work(place, gateways)
    worker.terminate()
    assert worker.wait() == 0
    assert _count(place) > 0
    # Nobody waits for the lease to run out.
    wait_until(lambda: _count(place) == 0, 50)
    assert 0 < _done_by(other).deleted < COUNT


def test_stuck_executions_are_timed_out_once_by_two_workers_and_ended_ones_are_not(
    place: Place,
) -> None:
    fill(place, COUNT)
    with program(place, "--workers", "2", timeout_after="10s") as workers:
        for number in range(0, COUNT, 12):
            run_sql(
                place,
                "UPDATE executions SET state = 'FINISHED' WHERE guid = ? AND state = 'INPROGRESS'",
                f"g-{number}",
            )
        wait_until(lambda: _count(place, "state = 'INPROGRESS'") == 0)
        finished = _count(place, "state = 'FINISHED'")
        timed_out = _count(place, "state = 'TIMEOUT'")
        assert finished + timed_out == COUNT

        def is_counted() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return _done_by(workers).timed_out == timed_out
            return False

        wait_until(is_counted)
        assert_totals_are_true(workers.url, place)
