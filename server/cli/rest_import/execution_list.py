"""Pages of a server's list of executions, within windows of their creation.

A response has as many executions as fit into some megabytes, whatever the size of each. Page
numbers are used only with pages that overlap; see ``sweep``.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from db.instants import EARLIEST_MS, LATEST_MS, format_ms
from server.cli.rest_import.answers import Answer, BadRequest, ImportFailed, TooLarge
from server.cli.rest_import.items import Item, read_item, too_large

_FIRST_LIMIT = 100
_LARGEST_LIMIT = 500
_GOOD_BYTES = 4 << 20
_COUNT = re.compile(r"[0-9]{1,15}")
_MOST_VALUES = 100_000
"""Servers that know no limit send all they have at once."""
_MOST_REPEATED = 1000
"""How many executions may be the same from page to page: they move while one reads."""
_WANTED_OVERLAP = 5
_SMALLEST_OVERLAPPING = 4


Get = Callable[[str], Awaitable[Answer]]
"""Asks for the list with a query; see ``Connection.get``."""
Repeat = Callable[[Callable[[], Awaitable[Answer]]], Awaitable[Answer]]
"""Repeats a request that failed; see ``Retries.run``."""


@dataclass(frozen=True, slots=True)
class Window:
    """Executions by their creation, from ``start`` to ``end`` in epoch milliseconds.

    A window that starts at the earliest instant, or ends at the latest one, is open there. Windows
    that follow each other share a bound, because servers differ in which executions are exactly at
    a bound: Flowise on SQLite compares texts, of which ``2026-01-01 00:00:00`` sorts before
    ``2026-01-01 00:00:00.000``, and on PostgreSQL its times have microseconds.
    """

    start: int
    end: int

    def parameters(self) -> list[tuple[str, str]]:
        """Return the filter of this window."""
        named: list[tuple[str, str]] = []
        if self.start > EARLIEST_MS:
            named.append(("startDate", format_ms(self.start)))
        if self.end < LATEST_MS:
            named.append(("endDate", format_ms(self.end)))
        return named


EVERYTHING = Window(EARLIEST_MS, LATEST_MS)
"""The window of all executions."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a window: ``total`` is None if the server tells none.

    ``is_last`` says whether the window has no executions after this page.
    """

    items: list[Item]
    total: int | None
    is_last: bool


_NOTHING = Page([], None, is_last=False)


class Shifted(Exception):
    """So many executions have moved or gone that a page may have missed some of them."""


class ExecutionList:
    """The list of one server. ``limit`` is the number of executions that a page is asked for."""

    def __init__(
        self,
        get: Get,
        repeat: Repeat,
        filters: tuple[tuple[str, str], ...],
        *,
        most_bytes: int,
        limit: int = _FIRST_LIMIT,
        largest_limit: int = _LARGEST_LIMIT,
    ) -> None:
        self._get = get
        self._repeat = repeat
        self._filters = filters
        self._most_bytes = most_bytes
        self.limit = limit
        self._largest = largest_limit
        # The server sends at least that many executions if it has them.
        self._proven = 0

    async def first(self, window: Window) -> Page:
        """Return the first page of a window. Raises TooLarge if one execution is too much."""
        while True:
            try:
                page = await self._page(window, 1, limit := self.limit)
                if page.total != len(page.items) or len(page.items) < limit:
                    return page
                # The total is counted after the page is read. If an execution of the page was
                # deleted in between, another one that did not fit into it makes up for it.
                again = await self._page(window, 1, limit)
            except TooLarge:
                if self.limit == 1:
                    raise
                self.limit //= 2
                continue
            except BadRequest:
                self._lower()
                continue
            is_same = {item.guid for item in page.items} == {item.guid for item in again.items}
            if not is_same or again.total != len(again.items) or again.is_last:
                return again
            following = [read_item(value) for value in (await self._ask(window, 2, limit))[1]]
            if following and following != again.items:
                # It is the total of the page alone.
                return replace(again, total=None)
            return replace(again, is_last=True)

    async def sweep(self, window: Window) -> AsyncGenerator[Page]:
        """Yield all pages of a window, in the order of the server.

        Each page overlaps the one before: as long as it has an execution of that one, unchanged,
        nothing lies between them that has not moved to the front since. An execution that is too
        large is yielded as one that can't be read. Raises Shifted where a page has none, and
        ImportFailed if the server sends the same executions whatever page it is asked for.
        """
        position, before = 0, _NOTHING
        shown: set[str] = set()
        repeated = 0
        while True:
            number, limit = _covering(position, self.limit)
            try:
                page = await self._page(window, number, limit)
            except BadRequest:
                self._lower()
                continue
            except TooLarge as error:
                if limit > 1:
                    self.limit = limit // 2
                    continue
                yield Page([too_large(error.guid, self._most_bytes)], None, is_last=False)
                position, before = number, _NOTHING
                continue
            if _has_gap(before, page, has_overlap=(number - 1) * limit < position):
                raise Shifted
            yield page
            # All that were read may have moved to the front, but not again and again.
            guids = {item.guid for item in page.items}
            repeated = repeated + len(page.items) if guids <= shown else 0
            shown = shown if repeated else guids
            if page.is_last or (repeated > _MOST_REPEATED and len(page.items) > limit):
                return
            if repeated > _MOST_REPEATED:
                raise ImportFailed(
                    "The server sends the same executions whatever page it is asked for, and not "
                    "all that were created in one second"
                )
            position, before = (number - 1) * limit + len(page.items), page

    async def _page(self, window: Window, number: int, limit: int) -> Page:
        answer, values, total = await self._ask(window, number, limit)
        seen = (number - 1) * limit + len(values)
        is_last = len(values) < limit and (total is None or seen >= total)
        if number == 1 and 0 < len(values) < limit:
            total, is_last = await self._checked(window, limit, values, total)
        self._proven = max(self._proven, len(values))
        self._adapt(answer.size, len(values))
        return Page([read_item(value) for value in values], total, is_last or not values)

    async def _checked(
        self, window: Window, limit: int, values: list[Any], total: int | None
    ) -> tuple[int | None, bool]:
        """Find out whether a page that is not full is all there is, or all that the server sends.

        Returns the total, or None if it is not true, and whether the window has no more.
        """
        count = len(values)
        is_told_more = total is not None and total > count
        if is_told_more and len((await self._ask(window, 1, limit))[1]) != count:
            # It has changed meanwhile.
            return total, False
        if not is_told_more and count <= self._proven:
            return total, True
        following = (await self._ask(window, 2, count))[1]
        if not following or (following == values and total == count):
            return None if is_told_more else total, True
        if not is_told_more:
            total = None
            if len((await self._ask(window, 1, limit))[1]) != count:
                return total, False
        self._largest = count
        return total, False

    async def _ask(
        self, window: Window, number: int, limit: int
    ) -> tuple[Answer, list[Any], int | None]:
        query = urlencode(
            [*self._filters, *window.parameters(), ("page", number), ("limit", limit)]
        )
        answer = await self._repeat(lambda: self._get(query))
        values, total = _values(answer)
        if len(values) > _MOST_VALUES:
            raise ImportFailed(
                f"The server sent {len(values):,} executions at once, and was asked for {limit:,}; "
                "a list that it sends only whole can be imported as a file"
            )
        return answer, values, total

    def _lower(self) -> None:
        """Ask for fewer executions, as the server refused a request for so many."""
        if self.limit == 1:
            raise ImportFailed(
                "The server answered 400: it does not take page, limit, startDate or endDate"
            )
        self.limit = self._largest = self.limit // 2

    def _adapt(self, size: int, count: int) -> None:
        """Ask for as many executions as are some megabytes."""
        if count:
            good = _GOOD_BYTES * count // max(size, 1)
            self.limit = max(1, min(good, self.limit * 2, self._largest))


def _values(answer: Answer) -> tuple[list[Any], int | None]:
    value, told = answer.value, answer.total
    if isinstance(value, list):
        return value, int(told) if told is not None and _COUNT.fullmatch(told) else None
    found = value.get("data")
    if not isinstance(found, list):
        raise ImportFailed(
            "The server answered with no list of executions, neither as an array nor under data"
        )
    total = value.get("total")
    is_count = isinstance(total, int) and _COUNT.fullmatch(repr(total)) is not None
    return found, total if is_count else None


def _covering(position: int, limit: int) -> tuple[int, int]:
    """Return the number and size of a page that begins a little before a position."""
    best, most = (position // limit + 1, limit), 0
    if position == 0 or limit < _SMALLEST_OVERLAPPING:
        return best
    for size in range(limit, limit // 2, -1):
        overlap = position % size
        progress = (size - overlap) if overlap else 0
        if 0 < overlap < _WANTED_OVERLAP:
            progress = max(1, progress // 2)
        if progress > most:
            best, most = (position // size + 1, size), progress
    return best


def _has_gap(before: Page, page: Page, *, has_overlap: bool) -> bool:
    if not before.items:
        return False
    if has_overlap:
        return {item.mark for item in before.items}.isdisjoint(item.mark for item in page.items)
    # Pages of one or two have no room for an overlap.
    return page.total is not None and before.total is not None and page.total < before.total
