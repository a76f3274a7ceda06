"""Transactions of PostgreSQL, which events remember: their type and that of snapshots."""

from typing import Any

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.types import UserDefinedType

XID: ColumnElement[Any] = literal_column("execution_events.xid")
"""The transaction that has written an event, an ``xid8``."""


class Xid8(UserDefinedType[str]):
    """A transaction; as a parameter, its number as a text that is cast."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type."""
        return "xid8"


class PgSnapshot(UserDefinedType[str]):
    """Which transactions had been committed; as a parameter, a text that is cast."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type."""
        return "pg_snapshot"
