"""A page of executions, and what comes of asking for it.

REST, GraphQL, export and events all ask for pages in this form. ``Executions.page`` reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from db.reading.count_query import CountQuery
from db.reading.filters import EVERYTHING, Filter
from db.reading.paging import NEWEST_FIRST, Order, Position, Row, reverse
from db.reading.row_query import RowQuery


@dataclass(slots=True)
class PageQuery:
    """At most ``limit`` executions that match a filter, in an order.

    They lie after the position ``after`` and before ``before``: the first of these, or the last
    with ``from_end``. A numbered page has an ``offset``, the number of rows to skip, in place of
    positions. ``with_total`` counts all that match, whatever the positions. ``with_both_sides``
    finds out whether there are rows on the side of the page that reading begins at; then
    ``fields`` must hold those of the order.

    A query that is asked again and again is best kept: so is what was worked out for it.
    """

    fields: tuple[str, ...]
    filter: Filter = EVERYTHING
    order: Order = NEWEST_FIRST
    limit: int = 50
    offset: int | None = None
    after: Position | None = None
    before: Position | None = None
    from_end: bool = False
    with_total: bool = False
    with_both_sides: bool = False
    _count_query: CountQuery | None = field(default=None, init=False, repr=False, compare=False)
    _row_query: RowQuery | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def row_query(self) -> RowQuery:
        """The rows that have to be read for it: one more than fit, to see whether there are more.

        A numbered page has no use for the one more.
        """
        if self._row_query is None:
            after, before = self.after, self.before
            order = self.order
            if self.from_end:
                after, before, order = before, after, reverse(order)
            limit = self.limit + (self.offset is None)
            # Nothing to skip makes a page that an index bounds.
            offset = self.offset or None
            self._row_query = RowQuery(
                self.fields, self.filter, order, limit, offset, after, before
            )
        return self._row_query

    @property
    def count_query(self) -> CountQuery:
        """The count of all that match."""
        if self._count_query is None:
            self._count_query = CountQuery(self.filter)
        return self._count_query


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a page in the order that was asked for, and what lies around them.

    ``total`` is 0 unless it was asked for. ``has_next`` and ``has_previous`` are known for the
    direction of reading; for the other one, where no row was skipped or where it was asked for,
    and else false. Neither is known of a numbered page.
    """

    rows: Sequence[Row]
    total: int = 0
    has_next: bool = False
    has_previous: bool = False
