"""Writing a shared text takes a bounded share of the time, however often it is requested."""

import asyncio

import pytest

from server.observability.shared_text import BURST, SHARE, SharedText

pytestmark = pytest.mark.anyio

COST = BURST / 4


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Writer:
    """Writes how often it has written, which takes its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.times = 0

    async def __call__(self) -> bytes:
        self.times += 1
        self._clock.now += COST
        await asyncio.sleep(0)
        return str(self.times).encode()


async def test_whoever_asks_now_and_then_gets_it_as_it_is() -> None:
    clock = Clock()
    shared = SharedText(Writer(clock), clock=clock)
    assert [await shared.get() for _ in range(3)] == [b"1", b"2", b"3"]


async def test_whoever_asks_all_the_time_gets_it_as_it_was() -> None:
    clock = Clock()
    writer = Writer(clock)
    shared = SharedText(writer, clock=clock)
    for _ in range(1000):
        await shared.get()
    assert writer.times <= 6
    assert await shared.get() == str(writer.times).encode()


async def test_after_a_while_it_is_written_again() -> None:
    clock = Clock()
    writer = Writer(clock)
    shared = SharedText(writer, clock=clock)
    for _ in range(1000):
        await shared.get()
    written = writer.times
    clock.now += 2 * COST / SHARE
    assert await shared.get() == str(written + 1).encode()


async def test_those_who_ask_at_the_same_time_get_the_same() -> None:
    clock = Clock()
    writer = Writer(clock)
    shared = SharedText(writer, clock=clock)
    assert set(await asyncio.gather(*(shared.get() for _ in range(50)))) == {b"1"}


async def test_whoever_goes_away_keeps_nobody_from_it() -> None:
    clock = Clock()
    shared = SharedText(Writer(clock), clock=clock)
    asked = [asyncio.ensure_future(shared.get()) for _ in range(2)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert await asked[1] == b"1"


async def test_what_could_not_be_written_is_told_and_tried_again() -> None:
    attempts = 0

    async def write() -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise OSError("no room")
        return b"written"

    shared = SharedText(write)
    with pytest.raises(OSError, match="no room"):
        await shared.get()
    assert await shared.get() == b"written"
