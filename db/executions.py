"""The executions of a database: what the edges read and change."""

from collections.abc import Iterable

from db.database import Database
from db.dialect import pays_for_messages
from db.models import ExecutionState
from db.reading.reader import Reader
from db.source import NATIVE, ExecutionSource
from db.writing.changes import DeleteOutcome, UpdateOutcome, Writing


class Executions(Reader):
    """The executions of a database, in the tables of a source."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        super().__init__(database, source)
        self._writing = Writing(database.dialect, source)

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
                *self._writing.update_of_one(wanted[0], state, expected)
            )
            return self._writing.outcome_of_one(rows, wanted[0], expected)
        return await self._database.change(
            lambda execute: self._writing.update(execute, wanted, state, expected)
        )

    async def delete(self, guids: Iterable[str]) -> DeleteOutcome:
        """Delete executions, in one statement. Duplicate guids count once."""
        wanted = tuple(dict.fromkeys(await self.stored_guids(guids)))
        rows = await self._database.change_at_once(*self._writing.deletion(wanted))
        return self._writing.outcome_of_deletion(rows, wanted)
