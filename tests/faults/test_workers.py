"""Several workers over one database are as good as one: nothing that they share is in memory."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.faults.programs import Clients, Program, program, wait_until
from tests.faults.writes import Writers, assert_totals_are_true, fill
from tests.gateway import bearer, make_key, run_sql
from tests.places import Place

COUNT = 10_000
QUERY = "{ executions { totalCount } }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
EXTENSIONS = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}
TOLD = 16
"""So many calls at once that each of two workers takes some."""


@pytest.fixture
def workers(place: Place) -> Iterator[Program]:
    fill(place, COUNT)
    with program(place, "--workers", "2") as running:
        running.wait_for_workers(2)
        yield running


def _ask_many(running: Program, headers: dict[str, str], **body: Any) -> list[httpx.Response]:
    """Answers to many calls at once, each over a connection of its own."""

    def ask(_: int) -> httpx.Response:
        return plain_http.post(f"{running.url}/graphql", json=body, headers=headers, timeout=60)

    with ThreadPoolExecutor(TOLD) as threads:
        return list(threads.map(ask, range(TOLD)))


def test_every_acknowledged_write_of_every_worker_is_there(workers: Program, place: Place) -> None:
    writers = Writers(lambda: workers.url, COUNT)
    clients = Clients(8, writers.ask)
    wait_until(lambda: writers.acknowledged > 300, 120)
    clients.stop()
    # Nobody waited for another one's write for longer than may be.
    assert all(writers.deleted.values())
    assert all(writers.stopped.values())
    writers.check(place)
    assert_totals_are_true(workers.url, place)


def test_a_revoked_key_is_refused_by_every_worker_within_a_second(place: Place) -> None:
    key = bearer(make_key(place, "read"))
    with program(place, "--workers", "2") as workers:
        wait_until(lambda: _seen(_ask_many(workers, key, query=QUERY)) == 2, 120)
        assert {each.status_code for each in _ask_many(workers, key, query=QUERY)} == {200}
        run_sql(place, "UPDATE api_keys SET revoked_on = 1")
        time.sleep(1)
        refused: list[httpx.Response] = []

        def have_both_answered() -> bool:
            refused.extend(_ask_many(workers, key, query=QUERY))
            return _seen(refused) == 2

        wait_until(have_both_answered)
        assert {each.status_code for each in refused} == {401}


def _seen(answers: list[httpx.Response]) -> int:
    """How many workers gave them: each gives ids that begin with something of its own."""
    return len({answer.headers["x-request-id"].partition("-")[0] for answer in answers})


def test_a_worker_asks_for_the_text_of_a_query_that_only_another_one_has_seen(
    workers: Program,
) -> None:
    url = f"{workers.url}/graphql"
    known = plain_http.post(url, json={"query": QUERY, "extensions": EXTENSIONS}, timeout=60)
    assert "errors" not in known.json()
    asked_for: list[httpx.Response] = []

    def is_asked_for() -> bool:
        for answer in _ask_many(workers, {}, extensions=EXTENSIONS):
            if "errors" in answer.json():
                asked_for.append(answer)
            else:
                assert answer.json() == known.json()
        return bool(asked_for)

    wait_until(is_asked_for)
    for answer in asked_for:
        assert answer.status_code == 200
        [error] = answer.json()["errors"]
        assert error["message"] == "PersistedQueryNotFound"
        assert error["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}
    # Clients of Apollo then send the text, and sooner or later every worker has seen it.
    for answer in _ask_many(workers, {}, query=QUERY, extensions=EXTENSIONS):
        assert answer.json() == known.json()
