"""Waiting for facts."""

import asyncio
from collections.abc import Callable

_LONGEST = 60


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that nothing tells of, while the loop goes on. Fails if it never comes."""
    async with asyncio.timeout(_LONGEST):
        while not is_so():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
