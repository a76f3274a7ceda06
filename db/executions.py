"""The executions of a database: what the edges read and change."""

from collections.abc import Iterable

from db.contents.stored import ContentReader, ContentSource
from db.database import Database
from db.dialect import pays_for_messages
from db.models import ExecutionState
from db.pacing import USUAL_PACE, Pace
from db.reading.filters import Filter
from db.reading.reader import Reader
from db.source import NATIVE, ExecutionSource
from db.writing.batches import Bounds, Matched, Target
from db.writing.changes import DeleteOutcome, UpdateOutcome, Writing
from db.writing.matching import Matching

_UNBOUNDED = Bounds()


class Executions(Reader):
    """The executions of a database, in the tables of a source."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        super().__init__(database, source)
        self._writing = Writing(database.dialect, source)
        self._matching = Matching(database, source)
        self._content_reader = ContentReader(database)

    @property
    def content_reader(self) -> ContentReader:
        """Reads the data that engines recorded for them."""
        return self._content_reader.within(self.workspace)

    def read_contents_of(self, source: ContentSource) -> None:
        """Read contents from the tables of a source from now on, for all views."""
        self._content_reader.source = source

    async def update(
        self,
        guids: Iterable[str],
        state: ExecutionState | None,
        expected: ExecutionState | None = None,
    ) -> UpdateOutcome:
        """Set the state of executions, in one transaction.

        With ``expected``, executions in another state are not changed and are reported as
        conflicts. An execution that already has the state keeps its ``updated_on``. Without a
        ``state`` nothing changes. Duplicate guids count once.
        """
        wanted = tuple(dict.fromkeys(await self.stored_guids(guids)))
        if state and len(wanted) == 1 and pays_for_messages(self._database.dialect):
            rows = await self._database.change_at_once(
                *self._writing.update_of_one(wanted[0], state, expected, self._workspace)
            )
            return self._writing.outcome_of_one(rows, wanted[0], expected)
        return await self._database.change(
            lambda execute: self._writing.update(execute, wanted, state, expected, self._workspace)
        )

    async def delete(self, guids: Iterable[str]) -> DeleteOutcome:
        """Delete executions, in one statement. Duplicate guids count once."""
        wanted = tuple(dict.fromkeys(await self.stored_guids(guids)))
        rows = await self._database.change_at_once(*self._writing.deletion(wanted, self._workspace))
        return self._writing.outcome_of_deletion(rows, wanted)

    async def update_matching(
        self,
        filter_: Filter,
        state: ExecutionState | None,
        expected: ExecutionState | None = None,
        *,
        bounds: Bounds = _UNBOUNDED,
        pace: Pace = USUAL_PACE,
    ) -> Matched:
        """Set the state of the executions that match a filter now, in batches.

        Each batch is a transaction. Executions created meanwhile are not changed, and neither are
        those that no longer match when their batch comes. With ``expected``, executions in another
        state are left alone. Those that have the state already count as affected, but only when
        nothing is left to change, and not where ``bounds`` have a limit.
        """
        return await self._matching.update(self._target(filter_), state, expected, bounds, pace)

    async def delete_matching(
        self, filter_: Filter, *, bounds: Bounds = _UNBOUNDED, pace: Pace = USUAL_PACE
    ) -> Matched:
        """Delete the executions that match a filter now, in batches.

        Each batch is a transaction. Executions created meanwhile are not deleted, and neither are
        those that no longer match when their batch comes.
        """
        return await self._matching.delete(self._target(filter_), bounds, pace)

    async def would_update_matching(
        self,
        filter_: Filter,
        state: ExecutionState | None,
        expected: ExecutionState | None = None,
        limit: int | None = None,
    ) -> Matched:
        """Return what ``update_matching`` would return if time did not end it."""
        return await self._matching.would_update(self._target(filter_), state, expected, limit)

    async def would_delete_matching(self, filter_: Filter, limit: int | None = None) -> Matched:
        """Return what ``delete_matching`` would return if time did not end it."""
        return await self._matching.would_delete(self._target(filter_), limit)

    def _target(self, filter_: Filter) -> Target:
        return Target((self._workspace.only(filter_),))
