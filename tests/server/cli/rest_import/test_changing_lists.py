"""What arrives of a list whose executions come, change and go while it is read."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.database import Database
from db.instants import EARLIEST_MS, format_ms
from db.opening import open_database
from server.cli.rest_import.execution_list import Window
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place
from tests.server.cli.rest_import.flowise_list import FlowiseList, bound_text
from tests.server.cli.rest_import.imports import import_of, states

STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "STOPPED")


@dataclass
class World:
    """A Flowise, and the changes that happen to it between the statements of requests."""

    flowise: FlowiseList
    changes: list[tuple[str, int, int]]
    always: set[str] = field(default_factory=set)
    created: int = 0

    def meanwhile(self) -> None:
        if not self.changes:
            return
        what, which, seconds = self.changes.pop()
        self.flowise.clock += seconds
        known = sorted(self.flowise.states())
        if what == "create":
            self.created += 1
            self.flowise.create(f"new-{self.created}")
        elif known and what == "delete":
            guid = known[which % len(known)]
            self.flowise.delete(guid)
            self.always.discard(guid)
        elif known and what == "change":
            self.flowise.change(known[which % len(known)], STATES[which % len(STATES)])


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    flowise = FlowiseList(microseconds=draw(st.sampled_from([None, None, 0, 999_500])))
    gaps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3600, 10**7]), max_size=60))
    at = flowise.clock - sum(gaps)
    guids = draw(st.permutations([f"g-{number:02}" for number in range(len(gaps))]))
    for guid, gap in zip(guids, gaps, strict=True):
        at += gap
        flowise.create(guid, at=at)
    change = st.tuples(
        st.sampled_from(["create", "change", "change", "delete", "nothing"]),
        st.integers(0, 10**6),
        st.integers(0, 3),
    )
    return World(flowise, draw(st.lists(change, max_size=60)), set(guids))


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Place:
    return new_place()


@settings(deadline=None, max_examples=examples(100))
@given(world=_worlds(), limit=st.integers(1, 12))
def test_what_existed_all_along_arrives_whatever_happens_meanwhile(
    shared: Place, world: World, limit: int
) -> None:
    for table in ("executions", "agentflows", "rest_imports"):
        run_sql(shared, f"DELETE FROM {table}")

    async def run() -> None:
        database = open_database(shared.url)
        try:
            world.flowise.meanwhile = world.meanwhile
            await import_of(database, world.flowise.answer, limit=limit).run()
            assert world.always <= set(states(shared))
            # What changed after that is the next one's.
            world.changes.clear()
            await import_of(database, world.flowise.answer, limit=limit).run()
        finally:
            await database.close()

    anyio.run(run)
    there = world.flowise.states()
    found = states(shared)
    assert {guid: found.get(guid) for guid in there} == there


def _filled(instants: list[int]) -> FlowiseList:
    flowise = FlowiseList()
    for number, at in enumerate(sorted(instants)):
        flowise.create(f"g-{number:05}", at=at)
    return flowise


START = 1_600_000_000
SPREADS = {
    "evenly": [START + number * 3000 for number in range(1000)],
    "in bursts with years between them": [
        START + burst * 30_000_000 + number for burst in range(4) for number in range(250)
    ],
    "in days with nights": [
        START + day * 86_400 + number * 100 for day in range(10) for number in range(100)
    ],
    "in seconds of more than a page": [START + number // 150 for number in range(1000)],
    "in one second": [START] * 1000,
    "ever closer together": [START + int(1e8 * (1 - 0.98**number)) for number in range(1000)],
}


@pytest.mark.anyio
@pytest.mark.parametrize("spread", SPREADS)
async def test_requests_grow_with_the_executions_and_not_with_their_square(
    spread: str, database: Database, place: Place
) -> None:
    flowise = _filled(SPREADS[spread])
    await import_of(database, flowise.answer, limit=50).run()
    assert len(states(place)) == 1000
    # Twenty pages, which bursts and gaps take the most requests to find.
    assert len(flowise.queries) < 20 * 7
    assert flowise.sent < 1000 * 5


@pytest.mark.parametrize("microseconds", [1, 999_999])
@pytest.mark.anyio
async def test_microseconds_that_no_bound_can_name_fall_between_no_two_windows(
    microseconds: int, database: Database, place: Place
) -> None:
    flowise = FlowiseList(microseconds=microseconds)
    for number in range(60):
        flowise.create(f"g-{number}", at=START + number)
    await import_of(database, flowise.answer, limit=3).run()
    assert len(states(place)) == 60


def test_a_window_of_whole_seconds_leaves_no_second_out_of_the_texts_that_flowise_compares() -> (
    None
):
    flowise = _filled([START, START + 1, START + 2])
    found = [
        [row["id"] for row in flowise.answer(dict(Window(start, end).parameters()))["data"]]
        for start, end in ((EARLIEST_MS, START * 1000), (START * 1000, START * 1000 + 2000))
    ]
    # The text of the first second sorts before its bound, which has milliseconds behind it.
    assert bound_text(format_ms(START * 1000)) == "2020-09-13 12:26:40.000"
    assert found == [["g-00000"], ["g-00002", "g-00001"]]


@pytest.mark.anyio
async def test_pages_of_one_second_are_read_anew_if_more_was_deleted_than_they_overlap(
    database: Database, place: Place
) -> None:
    flowise = _filled([START] * 100)
    # So that the second is not read again as one whose changes may not be written yet.
    flowise.create("newest")
    deleted = 0

    def meanwhile() -> None:
        nonlocal deleted
        # What was read first is deleted by the page, so that all that follows moves up by one.
        if flowise.queries[-1].get("page", "1") != "1" and deleted < 48:
            for number in range(deleted, deleted + 12):
                flowise.delete(f"g-{number:05}")
            deleted += 12

    flowise.meanwhile = meanwhile
    await import_of(database, flowise.answer, limit=20).run()
    assert set(flowise.states()) <= set(states(place))
    assert deleted == 48
