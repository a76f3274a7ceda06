"""Read what has changed since an instant, from the front of a list that is ordered by change."""

import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from db.instants import EARLIEST_MS
from server.cli.rest_import.answers import TooLarge
from server.cli.rest_import.execution_list import EVERYTHING, ExecutionList, Page, Shifted
from server.cli.rest_import.items import Item

_MARGIN = 10_000
"""Transactions end later than the instants that they write, and not in the order of these."""
_MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Known:
    """The changes that are known: all before ``since``, and if it is settled, those at it too.

    It is settled once so much time has passed that nothing is written with that instant any more.
    Without that, a list whose executions were all changed by one statement would be read again and
    again.
    """

    since: int
    is_settled: bool = False

    @property
    def oldest(self) -> int:
        """The first instant of which changes have to be read."""
        return self.since + 1 if self.is_settled else self.since - _MARGIN


@dataclass(frozen=True, slots=True)
class Changes:
    """Executions that were read, and what is known after them, or None within a round."""

    items: list[Item]
    known: Known | None


def newest_change(page: Page) -> int | None:
    """Return the last change that the first page of a list tells of.

    Returns None for an empty page, and for a list that is not ordered by change.
    """
    told = [item.updated_on for item in page.items if item.updated_on is not None]
    return told[0] if told and all(a >= b for a, b in itertools.pairwise(told)) else None


class ChangeReader:
    """Reads the changes of a list that are not known; ``clock`` counts seconds."""

    def __init__(
        self, source: ExecutionList, known: Known, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._known = known
        self._clock = clock
        self._seen_at = clock()

    async def read(self, is_written: Callable[[Item], bool]) -> AsyncGenerator[Changes]:
        """Yield the executions that were created or changed.

        An execution that changes while a round reads moves to the front, before what was read. So
        rounds are read until one needs a single page, which is one moment of the list, or finds
        nothing that is not written yet and the front as it was.
        """
        for _ in range(_MOST_ROUNDS):
            front: Page | None = None
            pages, oldest, began_at = 0, self._known.oldest, self._clock()
            is_new = False
            try:
                async with contextlib.aclosing(self._source.sweep(EVERYTHING)) as sweep:
                    async for page in sweep:
                        pages += 1
                        front = front or page
                        recent = [item for item in page.items if _changed(item, oldest) >= oldest]
                        is_new = is_new or not all(map(is_written, recent))
                        yield Changes(recent, None)
                        if _oldest_change(page) < oldest:
                            break
            except Shifted:
                continue
            self._note(front, began_at)
            yield Changes([], self._known)
            if pages == 1 or (not is_new and await self._is_front(front)):
                return

    def _note(self, front: Page | None, began_at: float) -> None:
        newest = newest_change(front) if front else None
        if newest is None or newest == self._known.since:
            is_settled = (began_at - self._seen_at) * 1000 >= _MARGIN
            self._known = Known(self._known.since, self._known.is_settled or is_settled)
        else:
            self._known, self._seen_at = Known(newest), began_at

    async def _is_front(self, front: Page | None) -> bool:
        try:
            page = await self._source.first(EVERYTHING)
        except TooLarge:
            return False
        # The pages may be of different sizes.
        pairs = zip(page.items, front.items if front else [], strict=False)
        return all(one.mark == other.mark for one, other in pairs)


def _changed(item: Item, oldest: int) -> int:
    # One whose change can't be read is looked at, and left out by name.
    return oldest if item.updated_on is None else item.updated_on


def _oldest_change(page: Page) -> int:
    return min(
        (item.updated_on for item in page.items if item.updated_on is not None),
        default=EARLIEST_MS,
    )
