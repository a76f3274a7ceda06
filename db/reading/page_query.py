"""A page of executions: the query and its result.

REST, GraphQL and exports all read pages in this form, with ``Executions.page``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from db.reading.count_query import CountQuery
from db.reading.filters import EVERYTHING, Filter
from db.reading.paging import NEWEST_FIRST, Order, Position, Row, reverse
from db.reading.row_query import RowQuery


@dataclass(slots=True)
class PageQuery:
    """A query for at most ``limit`` executions that match a filter, in an order.

    They are between the positions ``after`` and ``before``: the first of these, or the last with
    ``from_end``. A numbered page has an ``offset``, the number of rows to skip, instead of
    positions. Without ``with_rows`` no rows are read, and without ``with_more`` none to find out
    whether others follow the page in the direction of reading. ``with_total`` counts all matching
    executions, whatever the positions. ``with_both_sides`` finds out whether there are rows on the
    side at which reading begins; ``fields`` must then include those of the order.

    Keep a query that recurs: it caches its statements.
    """

    fields: tuple[str, ...]
    filter: Filter = EVERYTHING
    order: Order = NEWEST_FIRST
    limit: int = 50
    offset: int | None = None
    after: Position | None = None
    before: Position | None = None
    from_end: bool = False
    with_rows: bool = True
    with_more: bool = True
    with_total: bool = False
    with_both_sides: bool = False
    _count_query: CountQuery | None = field(default=None, init=False, repr=False, compare=False)
    _row_query: RowQuery | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def row_query(self) -> RowQuery:
        """The query for the page's rows, and one more to see whether there are more.

        A numbered page does not need the one more, nor does a query without ``with_more``.
        """
        if self._row_query is None:
            after, before = self.after, self.before
            order = self.order
            if self.from_end:
                after, before, order = before, after, reverse(order)
            limit = self.limit + (self.with_more and self.offset is None)
            # Without an offset, an index bounds the page.
            offset = self.offset or None
            self._row_query = RowQuery(
                self.fields, self.filter, order, limit, offset, after, before
            )
        return self._row_query

    @property
    def count_query(self) -> CountQuery:
        """The query for the number of all matching executions."""
        if self._count_query is None:
            self._count_query = CountQuery(self.filter)
        return self._count_query


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a page in the requested order, and what surrounds them.

    ``total`` is 0 unless requested. ``has_next`` and ``has_previous`` are exact in the direction of
    reading, unless that was not requested; in the other one only if no row was skipped or it was
    requested, and else false. Neither is known for a numbered page.
    """

    rows: Sequence[Row]
    total: int = 0
    has_next: bool = False
    has_previous: bool = False
