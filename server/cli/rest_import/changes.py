"""Read what has changed since an instant, from the front of a list that is ordered by change."""

import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from db.instants import EARLIEST_MS
from server.cli.rest_import.connection import TooLarge
from server.cli.rest_import.execution_list import EVERYTHING, ExecutionList, Page, Shifted
from server.cli.rest_import.items import Item

_MARGIN = 10_000
"""Transactions end later than the instants that they write, and not in the order of these."""
_MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Changes:
    """Executions that were read; ``since`` is where to go on, or None within a round."""

    items: list[Item]
    since: int | None


def newest_change(page: Page) -> int | None:
    """Return the last change that the first page of a list tells of.

    Returns None for an empty page, and for a list that is not ordered by change.
    """
    told = [item.updated_on for item in page.items if item.updated_on is not None]
    return told[0] if told and all(a >= b for a, b in itertools.pairwise(told)) else None


async def read_changes(
    source: ExecutionList, since: int, is_known: Callable[[Item], bool]
) -> AsyncGenerator[Changes]:
    """Yield the executions that were created or changed since an instant.

    An execution that changes while a round reads moves to the front, before what was read. So
    rounds are read until one needs a single page, which is one moment of the list, or finds nothing
    that is not known and the front as it was.
    """
    for _ in range(_MOST_ROUNDS):
        front: Page | None = None
        pages, oldest = 0, since - _MARGIN
        is_new = False
        try:
            async with contextlib.aclosing(source.sweep(EVERYTHING)) as sweep:
                async for page in sweep:
                    pages += 1
                    front = front or page
                    recent = [item for item in page.items if _changed(item, oldest) >= oldest]
                    is_new = is_new or not all(map(is_known, recent))
                    yield Changes(recent, None)
                    if _oldest_change(page) < oldest:
                        break
        except Shifted:
            continue
        since = (newest_change(front) if front else None) or since
        yield Changes([], since)
        if pages == 1 or (not is_new and await _is_front(source, front)):
            return


def _changed(item: Item, oldest: int) -> int:
    # One whose change can't be read is looked at, and left out by name.
    return oldest if item.updated_on is None else item.updated_on


async def _is_front(source: ExecutionList, front: Page | None) -> bool:
    try:
        page = await source.first(EVERYTHING)
    except TooLarge:
        return False
    count = min(len(page.items), len(front.items)) if front else 0
    return front is not None and all(
        one.mark == other.mark
        for one, other in zip(page.items[:count], front.items[:count], strict=True)
    )


def _oldest_change(page: Page) -> int:
    return min(
        (item.updated_on for item in page.items if item.updated_on is not None),
        default=EARLIEST_MS,
    )
