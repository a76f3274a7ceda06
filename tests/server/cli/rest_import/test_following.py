"""Keeping up with a list, and what is read again."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from db.database import Database
from db.executions import Executions
from server.cli.rest_import import importing as importing_module
from server.cli.rest_import.importing import RestImport
from tests.gateway import run_sql
from tests.places import Place
from tests.server.cli.rest_import.bare_list import BareList, row
from tests.server.cli.rest_import.flowise_list import FlowiseList
from tests.server.cli.rest_import.imports import import_of, states

pytestmark = pytest.mark.anyio


async def _follow(importing: RestImport, *happenings: Callable[[], object]) -> None:
    """Import, and follow for a round after each happening."""
    left = list(happenings)

    async def sleep(_: float) -> None:
        if not left:
            raise asyncio.CancelledError
        left.pop(0)()

    await importing.run()
    with pytest.raises(asyncio.CancelledError):
        await importing.follow(30, lambda: None, sleep)


async def test_what_is_created_and_changed_arrives_round_by_round(
    database: Database, place: Place
) -> None:
    flowise = FlowiseList()
    for number in range(300):
        flowise.create(f"g-{number}", at=flowise.clock - 60 * number)

    def change() -> None:
        flowise.clock += 30
        flowise.change("g-299", "FINISHED")
        flowise.create("new")

    def change_more_than_a_page() -> None:
        flowise.clock += 30
        for number in range(120):
            flowise.change(f"g-{number}", "ERROR")

    await _follow(import_of(database, flowise.answer), change, change_more_than_a_page)
    assert states(place) == flowise.states()


async def test_a_round_in_which_nothing_has_changed_is_one_request(database: Database) -> None:
    flowise = FlowiseList()
    for number in range(300):
        flowise.create(f"g-{number}", at=flowise.clock - 60 * number)
    counts: list[int] = []

    def note() -> None:
        counts.append(len(flowise.queries))

    importing = import_of(database, flowise.answer)
    await _follow(importing, note, note, note)
    assert [after - before for before, after in itertools.pairwise(counts)] == [1, 1]
    assert importing.written == 300


async def test_a_list_of_which_all_was_changed_at_once_is_not_read_again_and_again(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing_module, "_MOST_KNOWN", 500)
    flowise = FlowiseList()
    for number in range(2000):
        flowise.create(f"g-{number:04}", at=flowise.clock - 60 * number, updated=flowise.clock)
    seconds = itertools.count(0, 60)
    for sent in (3 * 2000, 300, 300):
        before = flowise.sent
        importing = import_of(database, flowise.answer, limit=100, clock=lambda: next(seconds))
        await importing.run()
        assert flowise.sent - before <= sent
    flowise.clock += 1
    flowise.change("g-1998", "ERROR")
    await import_of(database, flowise.answer, limit=100).run()
    assert len(states(place)) == 2000
    assert states(place)["g-1998"] == "ERROR"


async def test_what_is_deleted_at_the_server_stays(database: Database, place: Place) -> None:
    flowise = FlowiseList()
    flowise.create("a")
    flowise.create("b")
    await _follow(import_of(database, flowise.answer), lambda: flowise.delete("a"))
    assert set(states(place)) == {"a", "b"}


async def test_a_list_that_does_not_tell_changes_is_followed_from_a_day_before_its_newest(
    database: Database, place: Place
) -> None:
    hour = 3600
    bare = BareList([row(number * hour) for number in range(1, 101)])

    def change() -> None:
        bare.rows[99 - 20]["state"] = "ERROR"
        bare.rows[0]["state"] = "ERROR"
        bare.rows.append(row(101 * hour))

    await _follow(import_of(database, bare.answer, limit=10, total=bare.total), change)
    found = states(place)
    assert len(found) == 101
    assert (found[f"g-{80 * hour}"], found[f"g-{hour}"]) == ("ERROR", "FINISHED")


async def test_a_list_that_does_not_tell_changes_is_read_again_from_its_beginning(
    database: Database, place: Place
) -> None:
    bare = BareList([row(number) for number in range(1, 31)])
    await import_of(database, bare.answer, limit=10, total=bare.total).run()
    bare.rows[0]["state"] = "ERROR"
    await import_of(database, bare.answer, limit=10, total=bare.total).run()
    assert states(place)["g-1"] == "ERROR"


async def test_an_execution_that_is_put_right_is_no_longer_left_out(
    database: Database, place: Place
) -> None:
    flowise = FlowiseList()
    flowise.create("a", state="DONE")
    importing = import_of(database, flowise.answer)

    def put_right() -> None:
        assert importing.left_out_count == 1
        flowise.clock += 30
        flowise.change("a", "FINISHED")

    await _follow(importing, put_right)
    assert (importing.left_out, importing.left_out_count) == ({}, 0)
    assert states(place) == {"a": "FINISHED"}


async def test_what_is_read_again_unchanged_is_no_event(database: Database, place: Place) -> None:
    flowise = FlowiseList()
    for number in range(20):
        flowise.create(f"g-{number}", at=flowise.clock - number, state="FINISHED")
    await import_of(database, flowise.answer).run()
    await import_of(database, flowise.answer).run(anew=True)
    [(events,)] = run_sql(place, "SELECT count(*) FROM execution_events")
    assert events == 20
    assert await Executions(database).count() == 20


@pytest.mark.parametrize(
    "remembered", ["", "{}", "[]", "null", '{"until": "x"}', '{"read": null}', '{"until": true}']
)
async def test_what_is_remembered_in_another_form_is_the_beginning(
    database: Database, place: Place, remembered: Any
) -> None:
    run_sql(place, "INSERT INTO rest_imports VALUES (?, ?)", "a list", remembered)
    flowise = FlowiseList()
    flowise.create("a")
    await import_of(database, flowise.answer).run()
    assert set(states(place)) == {"a"}
