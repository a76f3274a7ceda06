"""What attaching needs of a database that holds Flowise's tables and the gateway's."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Batch(NamedTuple):
    """What a batch of executions came to.

    ``last`` is the id of its last row; None if there are no rows after it. ``inserted`` were
    missing on the gateway's side, ``changed`` differed, ``deleted`` are unknown to Flowise, and
    ``left_out`` can't be taken over.
    """

    last: str | None
    rows: int = 0
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    left_out: int = 0


class Counts(NamedTuple):
    """How many executions each side has at one moment, and how many can't be taken over."""

    flowise: int
    gateway: int
    left_out: int

    @property
    def difference(self) -> int:
        """How many executions one side has more than the other; 0 if they agree."""
        return self.flowise - self.left_out - self.gateway


class Sides(Protocol):
    """Flowise's tables and the gateway's in one database.

    Each method is a short transaction, or several. All raise ServiceUnavailable if the database
    can't answer.
    """

    tables: Sequence[str]
    """The names of the tables between the two, which ``install`` creates."""

    async def is_installed(self) -> bool:
        """Whether the triggers and tables between the two are as this version makes them."""

    async def version(self) -> int:
        """Return a number that changes with each change of any table that install could disturb."""

    async def install(self) -> None:
        """Create what ``is_installed`` asks for; replace what another version has made."""

    async def copy_flows(self, *, is_dry: bool = False) -> int:
        """Make the gateway's agentflows equal to Flowise's; return how many differed.

        If ``is_dry``, say how many differ, and change nothing.
        """

    async def copy_batch(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Make the executions after an id, in the order of ids, equal to Flowise's.

        If ``is_dry``, say what there is to do, and change nothing.
        """

    async def remove_surplus(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Delete the gateway's executions after a guid that Flowise does not have.

        ``limit`` is how many are looked at. If ``is_dry``, say how many, and delete none.
        """

    async def catch_up(self) -> int:
        """Make good what triggers had to leave undone; return how many changes there were."""

    async def count_waiting(self) -> int:
        """Count the changes that ``catch_up`` would look at."""

    async def count(self) -> Counts:
        """Count both sides at one moment."""
