"""Unknown keys are looked up, and a flood of invalid ones leaves the database idle."""

from collections.abc import Collection, Sequence

import anyio
import pytest

from db.errors import ServiceUnavailable
from db.keys import Key, Scope
from server.access.new_keys import NewKeys

pytestmark = pytest.mark.anyio


class _Database:
    """Has one key, and answers when it may."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.may_answer = anyio.Event()
        self.error: Exception | None = None

    async def find_many(self, hashes: Collection[str]) -> Sequence[Key]:
        self.asked.append(set(hashes))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return [_KEY] if _KEY.hash in hashes else []


_KEY = Key(1, "new", "made", frozenset({Scope.READ}), 0, None, None, None, None)


async def _find_all(keys: NewKeys, hashes: Sequence[str]) -> list[Key | None]:
    found: list[Key | None] = []

    async def find(hashed: str) -> None:
        found.append(await keys.find(hashed))

    async with anyio.create_task_group() as group:
        for hashed in hashes:
            group.start_soon(find, hashed)
    return found


async def test_those_who_show_the_same_key_share_one_look() -> None:
    database = _Database()
    keys = NewKeys(database.find_many, pause=0)
    async with anyio.create_task_group() as group:
        group.start_soon(_find_all, keys, ["made"] * 50)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(_find_all, keys, ["made"] * 50)
        await anyio.wait_all_tasks_blocked()
        database.may_answer.set()
    assert database.asked == [{"made"}]


async def test_keys_that_are_shown_during_a_look_share_the_next_one() -> None:
    database = _Database()
    keys = NewKeys(database.find_many, pause=0)
    hashes = ["made", *map(str, range(90))]
    found: list[Key | None] = []

    async def find() -> None:
        found.extend(await _find_all(keys, hashes))

    async with anyio.create_task_group() as group:
        group.start_soon(keys.find, "first")
        await anyio.wait_all_tasks_blocked()
        group.start_soon(find)
        await anyio.wait_all_tasks_blocked()
        database.may_answer.set()
    assert database.asked == [{"first"}, set(hashes)]
    assert found.count(_KEY) == 1
    assert found.count(None) == 90


async def test_no_more_than_a_hundred_wait_and_the_rest_is_refused() -> None:
    database = _Database()
    keys = NewKeys(database.find_many, pause=0)
    async with anyio.create_task_group() as group:
        group.start_soon(keys.find, "first")
        await anyio.wait_all_tasks_blocked()
        group.start_soon(_find_all, keys, [str(number) for number in range(100)])
        await anyio.wait_all_tasks_blocked()
        assert await keys.find("one more") is None
        database.may_answer.set()
    assert [len(each) for each in database.asked] == [1, 100]


async def test_a_key_that_is_none_is_looked_for_once_and_remembered() -> None:
    database = _Database()
    database.may_answer.set()
    keys = NewKeys(database.find_many, pause=0)
    assert [await keys.find("none") for _ in range(100)] == [None] * 100
    assert database.asked == [{"none"}]


async def test_what_is_remembered_is_bounded() -> None:
    database = _Database()
    database.may_answer.set()
    keys = NewKeys(database.find_many, pause=0)
    for beginning in range(0, 3000, 100):
        await _find_all(keys, [str(number) for number in range(beginning, beginning + 100)])
    assert len(database.asked) == 30
    kept, most, *_ = keys.metrics()
    assert 0 < kept.value() <= most.value() <= 262_144


async def test_who_leaves_takes_nothing_from_those_who_wait_for_the_same() -> None:
    database = _Database()
    keys = NewKeys(database.find_many, pause=0)
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(_find_all, keys, ["made"])
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            await keys.find("made")
        database.may_answer.set()
    assert await keys.find("made") == _KEY


@pytest.mark.parametrize("error", [ServiceUnavailable("away"), ValueError("a fault")])
async def test_whatever_goes_wrong_is_told_to_all_and_the_next_look_is_made(
    error: Exception,
) -> None:
    database = _Database()
    database.error = error
    database.may_answer.set()
    keys = NewKeys(database.find_many, pause=0)
    for _ in range(2):
        with pytest.raises(type(error)):
            await keys.find("made")
    database.error = None
    assert await keys.find("made") == _KEY


async def test_looks_begin_a_pause_apart() -> None:
    database = _Database()
    database.may_answer.set()
    keys = NewKeys(database.find_many, pause=3600)
    assert await keys.find("made") == _KEY
    with anyio.move_on_after(0.05) as scope:
        await keys.find("another")
    assert scope.cancelled_caught
    assert database.asked == [{"made"}]
    keys.close()
