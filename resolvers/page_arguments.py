"""Check the paging arguments of a list."""

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

from db.errors import InvalidInput
from db.reading.cursors import decode_cursor
from db.reading.paging import LAST_PAGE, Order, Position
from schema.connection import DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The page of a connection: its size, and the positions that bound it.

    It has the first rows between them, or the last ones with ``from_end``.
    """

    size: int
    from_end: bool
    after: Position | None
    before: Position | None


def page_arguments(
    order: Order,
    max_page_size: int,
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> PageArguments:
    """Check the paging arguments of a connection, and return them.

    Raises InvalidInput for first with last, a size below 0 or over ``max_page_size``, and a cursor
    that does not belong to the order.
    """
    if first is not None and last is not None:
        raise InvalidInput("first and last must not be given together; leave one of them out")
    name, size = ("first", first) if last is None else ("last", last)
    if size is None:
        size = min(DEFAULT_PAGE_SIZE, max_page_size)
    check_size(name, size, max_page_size, least=0)
    return PageArguments(
        size=size,
        from_end=last is not None,
        after=None if after is None else decode_cursor(after, order, "after"),
        before=None if before is None else decode_cursor(before, order, "before"),
    )


def page_argument_errors(
    order: Order, max_page_size: int, arguments: Mapping[str, Any]
) -> Iterator[InvalidInput]:
    """Yield all errors in the paging arguments of a connection, not just the first."""
    given = {name: arguments.get(name) for name in ("first", "last", "after", "before")}
    nothing: dict[str, Any] = dict.fromkeys(given)
    sizes = {"first": given["first"], "last": given["last"]}
    tried: list[dict[str, Any]] = [{name: value} for name, value in given.items()]
    if None not in sizes.values():
        tried.insert(0, sizes)
    for part in tried:
        try:
            page_arguments(order, max_page_size, **nothing | part)
        except InvalidInput as error:
            yield error


def offset_errors(page: int, limit: int, max_page_size: int) -> Iterator[InvalidInput]:
    """Yield all errors in the arguments of a numbered page."""
    for number, size in ((page, 1), (1, limit)):
        try:
            offset_of(number, size, max_page_size)
        except InvalidInput as error:
            yield error


def check_number(name: str, ids: Sized, max_ids: int) -> None:
    """Raise InvalidInput if the argument ``name`` has more ids than allowed."""
    if len(ids) > max_ids:
        raise InvalidInput(
            f"{name} must be at most {max_ids} (max_ids); got {len(ids)}", limit="max_ids"
        )


def check_size(name: str, size: int, max_page_size: int, *, least: int) -> None:
    """Raise InvalidInput unless a page size is between ``least`` and ``max_page_size``."""
    if not least <= size <= max_page_size:
        limit = "max_page_size" if size > max_page_size else None
        raise InvalidInput.of(name, size, f"from {least} to {max_page_size}", limit=limit)


def offset_of(page: int, limit: int, max_page_size: int) -> int:
    """Return the number of rows before a numbered page.

    Raises InvalidInput if there is no such page number or size.
    """
    if not 1 <= page <= LAST_PAGE:
        raise InvalidInput.of("page", page, f"from 1 to {LAST_PAGE}")
    check_size("limit", limit, max_page_size, least=1)
    return (page - 1) * limit
