"""Read a whole list by windows of creation, from the oldest to the newest.

An execution is in one window whatever happens to it, whereas its place in the order of the list
changes while one reads: Flowise orders by the last change. So a window is taken that has no more
executions than a page; one that has more is made smaller by the total that the server tells. The
next window is as wide as the density of the last one suggests. So each page that is read is kept,
or makes its window at most half as wide, and the requests grow with the executions, not with their
square.
"""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from db.instants import EARLIEST_MS, LATEST_MS
from server.cli.rest_import.answers import ImportFailed, TooLarge
from server.cli.rest_import.execution_list import ExecutionList, Page, Shifted, Window
from server.cli.rest_import.items import Item

_DAY = 86_400_000
_SECOND = 1000
_FILL = 0.7
"""How full a page is meant to be."""
_FASTEST_GROWTH = 8
_MOST_SWEEPS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """Executions that were read.

    ``until`` is the instant before which everything is read after them, or None within a window.
    """

    items: list[Item]
    until: int | None


async def read_windows(
    source: ExecutionList, start: int, newest: int, front: Page
) -> AsyncGenerator[Step]:
    """Yield all executions that were created at ``start`` or later.

    ``newest`` is about when the newest one was created, and ``front`` the first page of the whole
    list. Raises ImportFailed if the server does not filter by creation.
    """
    horizon = newest + _DAY
    width = -start if start == EARLIEST_MS else _DAY
    divided, is_guessed = _Divided(), False
    while start < LATEST_MS:
        if start + _SECOND >= horizon:
            horizon = LATEST_MS
        width = divided.suggested(start, width, source.limit)
        end = start + width if start + width < horizon else LATEST_MS
        window = Window(start, end)
        # Of an open window, the part before the horizon is what is divided.
        width = min(end, horizon) - start
        try:
            page: Page | None = await source.first(window)
        except TooLarge:
            page = None
        if page is not None and start == EARLIEST_MS and _is_same(page, front, end):
            raise ImportFailed(
                "The server does not filter by startDate and endDate, so its list can't be read "
                "in parts; import a file of it"
            )
        if page is not None and page.is_last:
            yield Step(page.items, end)
            divided.read(end, len(page.items))
            start, width = end, _grown(width, len(page.items), source.limit)
        elif _is_tie(width, page):
            async with contextlib.aclosing(_sweep(source, window)) as parts:
                async for part in parts:
                    yield Step(part.items, None)
            yield Step([], end)
            divided.read(end, page.total if page and page.total else 0)
            start = end
        else:
            divided.push(start + width, page.total if page else None, source.limit)
            guess = None if is_guessed else _before_newest(page, start, source.limit)
            is_guessed = guess is not None
            width = guess or _shrunk(width, page, source.limit)
            continue
        is_guessed = False


class _Divided:
    """The windows that had more than a page, with what is left of each, the smallest one last."""

    def __init__(self) -> None:
        self._left: list[tuple[int, int]] = []

    def push(self, end: int, total: int | None, limit: int) -> None:
        """Remember a window that is divided, because it has more than a page of ``limit``."""
        # Whatever the server has told, of the wider ones more than a page is left, too.
        least = max(total or 0, limit + 1)
        self._left = [(each, max(left, least)) for each, left in self._left if each >= end]
        if total is not None:
            self._left = [each for each in self._left if each[0] > end] + [(end, least)]

    def read(self, until: int, count: int) -> None:
        """Note that so many executions before an instant were read."""
        self._left = [(end, left - count) for end, left in self._left if end > until]

    def suggested(self, start: int, width: int, limit: int) -> int:
        """Return a width: up to the end of a window if what is left of it fits into a page."""
        for end, left in self._left:
            if left <= limit:
                return end - start
        return min(width, self._left[-1][0] - start) if self._left else width


def _is_same(page: Page, front: Page, end: int) -> bool:
    """Whether the page of a window is that of the whole list, which lies after the window."""
    created = _created(page)
    if not created or min(created) <= end + _DAY or page.total != front.total:
        return False
    return {item.guid for item in page.items} == {item.guid for item in front.items}


async def _sweep(source: ExecutionList, window: Window) -> AsyncGenerator[Page]:
    """Yield the pages of a window that can't be divided, as its executions share a second."""
    for _ in range(_MOST_SWEEPS):
        try:
            async with contextlib.aclosing(source.sweep(window)) as pages:
                async for page in pages:
                    yield page
        except Shifted:
            continue
        return
    raise ImportFailed(
        "Executions of one second are deleted faster than they can be read; try again later"
    )


def _is_tie(width: int, page: Page | None) -> bool:
    if width > _SECOND or page is None:
        return width <= _SECOND
    return width <= 1 or len({item.created_on for item in page.items}) <= 1


def _grown(width: int, count: int, limit: int) -> int:
    factor = _FILL * limit / count if count else _FASTEST_GROWTH
    return max(1, int(width * min(max(factor, 0.1), _FASTEST_GROWTH)))


def _shrunk(width: int, page: Page | None, limit: int) -> int:
    factor = _FILL * limit / page.total if page and page.total else 0.5
    return max(1, int(width * min(factor, 0.5)))


def _before_newest(page: Page | None, start: int, limit: int) -> int | None:
    """Guess a width, given that a page of a window with more has the newest executions in it.

    A list that is ordered by change mostly has. What is older are the others: if they fit into a
    page, the window ends with them; otherwise where they begin, if they are as close together.
    """
    created = _created(page)
    if page is None or page.total is None or not created:
        return None
    others, first = page.total - len(page.items), min(created)
    if others > limit:
        first -= 2 * others * (max(created) - first + _SECOND) // len(created)
    return first - start if others > 0 and first - start > _SECOND else None


def _created(page: Page | None) -> list[int]:
    items = page.items if page else []
    return [item.created_on for item in items if item.created_on is not None]
