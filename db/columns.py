"""The columns that are read: what each holds, and whether executions can be ordered by it.

What depends on a column's kind is derived from this table: bind parameters, orders, cursors and the
ranges of indexes.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a column holds; all but texts are integers."""

    ID = "a number that the database assigns"
    TEXT = "a text"
    INSTANT = "epoch milliseconds"
    DURATION = "milliseconds"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``is_stored`` tells those of the table of executions from all others.

    The index of a column that ``is_sparse`` has only the rows in which it is not null.
    """

    kind: Kind
    is_nullable: bool = False
    is_sortable: bool = False
    is_stored: bool = True
    is_sparse: bool = False


COLUMNS: Mapping[str, Column] = {
    "id": Column(Kind.ID),
    "guid": Column(Kind.TEXT),
    "agentflow_id": Column(Kind.TEXT, is_sortable=True),
    "agentflow_name": Column(Kind.TEXT, is_nullable=True, is_stored=False),
    "session_id": Column(Kind.TEXT, is_nullable=True, is_sortable=True),
    "state": Column(Kind.TEXT, is_sortable=True),
    "created_on": Column(Kind.INSTANT, is_sortable=True),
    "updated_on": Column(Kind.INSTANT, is_sortable=True),
    "finished_on": Column(Kind.INSTANT, is_nullable=True, is_sortable=True),
    "duration_ms": Column(Kind.DURATION, is_nullable=True, is_sortable=True, is_stored=False),
    "workspace_id": Column(Kind.TEXT, is_nullable=True, is_sparse=True),
    "error": Column(Kind.TEXT, is_nullable=True, is_sparse=True),
}
"""The columns by their names: the fields of ``ExecutionRow``."""


def _names(*kinds: Kind) -> tuple[str, ...]:
    return tuple(name for name, column in COLUMNS.items() if column.kind in kinds)


SORTABLE = tuple(name for name, column in COLUMNS.items() if column.is_sortable)
"""The columns that executions can be ordered by."""
RANGED = tuple(name for name in _names(Kind.INSTANT, Kind.DURATION) if COLUMNS[name].is_sortable)
"""The columns with an index that continues with the id: their orders have no other tie-breaker."""
NUMBERS = frozenset(_names(Kind.ID, Kind.INSTANT, Kind.DURATION))
"""The columns that are integers; all others are texts."""
NULLABLE = frozenset(name for name, column in COLUMNS.items() if column.is_nullable)
"""The columns that may be null."""
STORED = tuple(name for name, column in COLUMNS.items() if column.is_stored)
"""The columns of the table of executions."""
SPARSE = frozenset(name for name, column in COLUMNS.items() if column.is_sparse)
"""The columns whose index has only the rows in which they are not null."""
