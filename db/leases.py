"""Leases: work that one process does for all that share a database.

A lease is a row with its holder and the time at which it expires, by the database's clock, so the
clocks of machines are never compared. The holder renews it in the transaction of each batch of its
work. So a process that was stopped, and whose lease another one has taken meanwhile, changes
nothing more when it continues. No session holds anything, so leases work through poolers.
"""

import secrets
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database, Execute
from db.dialect import Now
from db.models import Lease as LeaseRow
from db.reading.statement_cache import BindParameters, StatementCache

LEASE_SECONDS = 60.0
"""How long a lease lasts after it was taken or renewed."""

_TABLE: Any = LeaseRow.__table__
_ROW = _TABLE.c


class LeaseLost(Exception):
    """Another process has taken the lease."""


class Lease:
    """A lease by its name, for one process that may hold it."""

    def __init__(self, database: Database, name: str, *, seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._name = name
        self._milliseconds = int(seconds * 1000)
        self._holder = secrets.token_hex(8)
        self._renewal = StatementCache(database.dialect).compile(_build_renewal)

    async def acquire(self, *, rest: float = 0.0) -> bool:
        """Take the lease; return False if another process holds it.

        Also returns False if any process has completed the work within the last ``rest`` seconds.
        """
        may_take = self._may_take(int(rest * 1000))
        found = await self._database.fetch(select(may_take).where(_ROW.name == self._name))
        if found and not found[0][0]:
            return False
        return await self._take(may_take)

    async def take_over(self) -> None:
        """Take the lease from whoever holds it, whose next renewal fails."""
        await self._take()

    async def _take(self, condition: ColumnElement[bool] | None = None) -> bool:
        insert = sqlite.insert if self._database.dialect.name == "sqlite" else postgresql.insert
        values = {"holder": self._holder, "expires_on": Now() + self._milliseconds}
        taking = (
            insert(_TABLE)
            .values(name=self._name, **values)
            .on_conflict_do_update(index_elements=[_ROW.name], set_=values, where=condition)
            .returning(_ROW.name)
        )
        return await self._database.transact(lambda connection: _has_rows(connection, taking))

    def renew(self, execute: Execute) -> None:
        """Renew the lease within a change; nobody else can take it until the change has ended.

        Raises LeaseLost if another process has taken it.
        """
        if self._database.dialect.name != "sqlite":
            # Or a process that is stopped within a change would keep others from the lease.
            execute(f"SET LOCAL idle_in_transaction_session_timeout = {self._milliseconds}", ())
        values = (self._milliseconds, self._name, self._holder)
        if not execute(self._renewal.text, self._renewal.parameters(values)):
            raise LeaseLost

    async def release(self, *, is_completed: bool) -> None:
        """Let other processes take the lease, and record whether the work was completed."""
        values = {"expires_on": 0} | ({"completed_on": Now()} if is_completed else {})
        releasing = (
            update(_TABLE)
            .where(_ROW.name == self._name, _ROW.holder == self._holder)
            .values(values)
            .returning(_ROW.name)
        )
        await self._database.transact(lambda connection: _has_rows(connection, releasing))

    def _may_take(self, rest: int) -> ColumnElement[bool]:
        # Later than that is a time from before the clock was set back.
        is_valid = _ROW.expires_on.between(Now() + 1, Now() + self._milliseconds)
        has_rested = or_(
            _ROW.completed_on.is_(None), not_(_ROW.completed_on.between(Now() - rest + 1, Now()))
        )
        return and_(or_(_ROW.holder == self._holder, not_(is_valid)), has_rested)


def _build_renewal(parameters: BindParameters) -> Executable:
    return (
        update(_TABLE)
        .values(expires_on=Now() + parameters.bind_number())
        .where(_ROW.name == parameters.bind("name"), _ROW.holder == parameters.bind("holder"))
        .returning(_ROW.name)
    )


async def _has_rows(connection: AsyncConnection, statement: Executable) -> bool:
    return (await connection.execute(statement)).first() is not None
