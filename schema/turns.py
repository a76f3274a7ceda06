"""Long lists that let others have their turn while the executor completes them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

_T = TypeVar("_T")
# The executor takes microseconds for each field of each of them.
_AT_ONCE = 25


class _InTurns(list[_T]):
    """A list that is also asynchronous; the executor then iterates over it as that."""

    async def __aiter__(self) -> AsyncIterator[_T]:
        for place, item in enumerate(self):
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
            yield item


def in_turns(items: Iterable[_T]) -> list[_T]:
    """A list of items; when there are many, the event loop has its turn in between."""
    found = list(items)
    return found if len(found) <= 2 * _AT_ONCE else _InTurns(found)
