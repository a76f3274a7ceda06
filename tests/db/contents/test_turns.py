"""Those that read contents take turns, the smallest first."""

import asyncio

import pytest

from db.contents.turns import Turns


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_of_those_that_wait_the_one_that_reads_least_is_next() -> None:
    async def run() -> None:
        turns = Turns(1)
        order: list[int] = []

        async def read(size: int) -> None:
            async with turns.take(size):
                order.append(size)
                await asyncio.sleep(0)

        await asyncio.gather(*(read(size) for size in (5, 4, 1, 3, 1)))
        assert order == [5, 1, 1, 3, 4]

    asyncio.run(run())


def test_no_more_read_at_the_same_time_than_may() -> None:
    async def run() -> None:
        turns = Turns(2)
        reading = most = 0

        async def read() -> None:
            nonlocal reading, most
            async with turns.take(1):
                reading += 1
                most = max(most, reading)
                await asyncio.sleep(0)
                reading -= 1

        await asyncio.gather(*(read() for _ in range(10)))
        assert most == 2

    asyncio.run(run())


def test_who_no_longer_waits_or_fails_keeps_nobody_waiting() -> None:
    async def run() -> None:
        turns = Turns(1)
        had: list[str] = []

        async def read(name: str) -> None:
            async with turns.take(1):
                had.append(name)

        async with turns.take(1):
            waiting = [asyncio.ensure_future(read(name)) for name in "abc"]
            await _settle()
            waiting[0].cancel()
            await _settle()
        # Its turn has come, and it ends before it has noticed.
        waiting[1].cancel()
        await _settle()
        assert had == ["c"]
        with pytest.raises(ZeroDivisionError):
            async with turns.take(1):
                _ = 1 / 0
        await asyncio.wait_for(read("d"), 60)
        assert had == ["c", "d"]

    asyncio.run(run())
