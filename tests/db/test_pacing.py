"""Batches adapt to the time that they take."""

from typing import Any

import pytest

from db.pacing import Pace, Pacing

pytestmark = pytest.mark.anyio

PACE = Pace(batch=0.03, pause=0.0)


class _Database:
    """Counts how often it is to catch up; fails to if told so."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.caught_up = 0
        self.searched_for = 0.0
        self.failure = failure

    async def catch_up(self) -> None:
        self.caught_up += 1
        if self.failure is not None:
            raise self.failure


def _pacing(database: Any) -> Pacing:
    return Pacing(database, PACE)


def _sizes(*seconds: float) -> list[int]:
    pacing = _pacing(_Database())
    sizes = []
    for each in seconds:
        pacing.adapt(each)
        sizes.append(pacing.size)
    return sizes


def test_a_batch_that_was_quick_is_followed_by_one_twice_as_large_at_most() -> None:
    assert _sizes(0.0, 0.02, 0.03) == [100, 150, 150]


def test_no_batch_is_larger_than_the_largest() -> None:
    assert _sizes(*[0.0] * 20)[-1] == 5_000


def test_a_batch_that_took_too_long_is_followed_by_a_smaller_one() -> None:
    assert _sizes(0.0, 0.0, 0.12, 0.06) == [100, 200, 50, 25]


def test_a_batch_keeps_a_size_that_pays_for_its_commit_unless_it_takes_far_too_long() -> None:
    assert _sizes(0.2, 0.2, 0.2) == [20, 20, 20]
    assert _sizes(0.4, 0.4, 0.4) == [12, 3, 1]


def test_what_is_searched_for_as_long_by_each_batch_makes_none_smaller() -> None:
    database = _Database()
    pacing = _pacing(database)
    for _ in range(3):
        database.searched_for += 2.0
        pacing.adapt(2.03)
        assert pacing.size in (49, 50)


@pytest.mark.parametrize("failure", [None, RuntimeError("a bug")])
async def test_the_database_catches_up_after_some_writing_whatever_becomes_of_it(
    failure: Exception | None,
) -> None:
    database = _Database(failure)
    pacing = _pacing(database)
    for _ in range(40):
        pacing.adapt(0.03)
        await pacing.pause(0.03)
    assert database.caught_up == 2
