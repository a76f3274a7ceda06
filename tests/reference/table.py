"""What the resolvers read and change: a list of rows, and what was learned of a gateway."""

from dataclasses import dataclass, field

from db.source import ExecutionRow
from tests.reference.orders import Position, Terms
from tests.reference.texts import shown


class Now(int):
    """When an execution is changed, as well as is known before the gateway has said it."""


class Elapsed(int):
    """How long an execution lasted that ended just now."""

    since: int

    @classmethod
    def of(cls, since: int, now: int) -> "Elapsed":
        """The time since an instant."""
        elapsed = cls(now - since)
        elapsed.since = since
        return elapsed


class Stamp(str):
    """A time of change in an answer: the gateway says which."""

    __slots__ = ()


class Opaque(str):
    """What the gateway writes in a way of its own; here it says what is meant.

    Each of them has one way of being written, and no two have the same.
    """

    __slots__ = ()


class GlobalId(Opaque):
    """The id of an object among all objects of the API."""

    type_name: str
    key: str

    @classmethod
    def of(cls, type_name: str, key: str) -> "GlobalId":
        """The id of an object of a type, which its key tells from the others."""
        written = cls(f"{type_name} {key!a}")
        written.type_name, written.key = type_name, key
        return written


class Cursor(Opaque):
    """A position in an order."""

    terms: Terms
    position: Position

    @classmethod
    def of(cls, terms: Terms, position: Position) -> "Cursor":
        """The cursor of a position."""
        cursor = cls(f"cursor {terms} {position}")
        cursor.terms, cursor.position = terms, position
        return cursor


@dataclass
class Table:
    """Executions, agentflows, the limits of the gateway, and what it is known to have written.

    ``flows`` has the names of those agentflows that are not gone.
    """

    rows: list[ExecutionRow]
    flows: dict[str, str | None] = field(default_factory=dict)
    max_page_size: int = 1000
    max_ids: int = 10_000
    now: Now = field(default_factory=Now)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    ids: dict[str, GlobalId] = field(default_factory=dict)
    is_uncertain: bool = False
    """Whether an answer depends on what the gateway does not say: when it changed something."""
    is_stale: bool = False
    """Whether only the gateway knows which rows were changed last."""
    buckets: int = 0
    """How many buckets all timelines of an operation have."""

    def find(self, guid: str) -> ExecutionRow | None:
        """The execution that a client names by its guid, as it was shown to it."""
        for row in self.rows:
            if row.guid == guid:
                return row
        alike = [row for row in self.rows if shown(row.guid) == guid]
        return min(alike, key=lambda row: row.guid, default=None)

    def replace(self, row: ExecutionRow, changed: ExecutionRow) -> None:
        """Put a row in the place of another."""
        self.rows[self.rows.index(row)] = changed
