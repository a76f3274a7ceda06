"""Streams of events that go on in another process than the one in which they began."""

import contextlib

from tests.faults.programs import program
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import EventSource, subscribed

GUID = SAMPLE[0].guid
MOST = 200
"""So many streams that each of two workers has some."""


def _change(place: Place, mark: str) -> None:
    run_sql(place, "UPDATE executions SET session_id = ? WHERE guid = ?", mark, GUID)


def test_a_stream_goes_on_on_every_worker(place: Place) -> None:
    insert(place, SAMPLE)
    with program(place, "--workers", "2") as running, contextlib.ExitStack() as clients:
        running.wait_for_workers(2)
        with subscribed(running.url) as first:
            first.next_position()
            _change(place, "first")
            first.next()
        _change(place, "second")
        sources: dict[str, EventSource] = {}
        for _ in range(MOST):
            source = clients.enter_context(subscribed(running.url, last_id=first.last_id))
            # Each worker gives ids that begin with something of its own.
            sources[source.response.headers["x-request-id"].partition("-")[0]] = source
            if len(sources) == 2:
                break
        second = {source.next().id for source in sources.values()}
        _change(place, "third")
        third = {source.next().id for source in sources.values()}
    assert (len(sources), len(second), len(third), len(second | third)) == (2, 1, 1, 2)


def test_a_stream_goes_on_after_the_gateway_was_killed(place: Place) -> None:
    insert(place, SAMPLE)
    with program(place) as running, subscribed(running.url) as source:
        source.next_position()
        _change(place, "first")
        assert source.next().event["type"] == "UPDATED"
        running.kill()
    for mark in ("second", "third"):
        _change(place, mark)
    with program(place) as running, subscribed(running.url, last_id=source.last_id) as again:
        before = {source.last_id}
        cursors = [event["cursor"] for event in again.take(2)]
        _change(place, "fourth")
        cursors += [event["cursor"] for event in again.take(1)]
    assert len({*cursors} - before) == 3
