"""Waiting for facts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

_LONGEST = 60


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that nothing tells of, while the loop goes on. Fails if it never comes."""
    async with asyncio.timeout(_LONGEST):
        while not is_so():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def in_time(otherwise: str) -> AsyncIterator[None]:
    """Let the block take no longer than anything should. Fails with these words if it does."""
    try:
        async with asyncio.timeout(_LONGEST):
            yield
    except TimeoutError as error:
        raise AssertionError(otherwise) from error
