"""How often, and after which pauses, a request that failed is repeated."""

import pytest

from server.cli.rest_import.answers import ImportFailed, TryAgain
from server.cli.rest_import.retries import Retries

pytestmark = pytest.mark.anyio


async def _pauses(failure: TryAgain, failures: int, *, is_endless: bool = False) -> list[float]:
    """The pauses of a request that fails so many times before it succeeds."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def request() -> None:
        if len(pauses) < failures:
            raise failure

    await Retries(lambda _: None, is_endless=is_endless, sleep=sleep).run(request)
    return pauses


async def test_pauses_grow_to_a_minute() -> None:
    pauses = await _pauses(TryAgain("busy"), 20, is_endless=True)
    assert 0 < pauses[0] <= 1
    assert all(2 <= pause <= 60 for pause in pauses[2:])
    assert pauses[-1] >= 45


async def test_a_server_that_asks_for_a_longer_pause_gets_it() -> None:
    assert await _pauses(TryAgain("busy", after=100.0), 2) == [100.0, 100.0]


async def test_a_server_that_asks_for_no_pause_is_not_asked_again_and_again_at_once() -> None:
    pauses = await _pauses(TryAgain("busy", after=0.0), 9)
    assert sum(pauses) > 60


async def test_what_is_likely_to_last_is_given_up_early() -> None:
    with pytest.raises(ImportFailed, match="broken, 3 times"):
        await _pauses(TryAgain("broken", most=3), 3)


async def test_who_follows_a_list_gives_nothing_up() -> None:
    assert len(await _pauses(TryAgain("broken", most=3), 50, is_endless=True)) == 50
