"""The contents of executions in an attached database: Flowise's own, which are never copied."""

from typing import Any

from sqlalchemy import ColumnElement, cast, collate, column, func, literal_column, table, types
from sqlalchemy.engine import Dialect

from db.contents.stored import EXECUTION_DATA, ContentSource
from db.flowise.postgres_mapping import as_uuid
from db.flowise.tables import FlowiseTables
from db.models import Base, Execution

# Named apart from the table itself, which a condition on workspaces asks about.
_executions = Base.metadata.tables[Execution.__tablename__].alias("content_of")
_flowise = table("execution", column("id"), column("executionData")).alias("flowise_content")
_own = EXECUTION_DATA


def flowise_content(tables: FlowiseTables, dialect: Dialect) -> ContentSource:
    """Return where the contents of executions are: in Flowise's table, or else in the gateway's."""
    joined = _executions.outerjoin(_flowise, _is_of(tables, dialect))
    # An engine of one's own may have added executions by SQL: they are there until attach mends it.
    joined = joined.outerjoin(_own.table, _own.execution_id == _executions.c.id)
    data: ColumnElement[Any] = cast(_flowise.c.executionData, types.Text)
    return ContentSource(joined, _executions.c.id, func.coalesce(data, _own.data))


def _is_of(tables: FlowiseTables, dialect: Dialect) -> ColumnElement[bool]:
    """Return the condition that Flowise's row is that of an execution; an index serves it."""
    guid: ColumnElement[Any] = _executions.c.guid
    if tables.execution["id"] == "uuid":
        # A guid that an engine of one's own has made may be any text.
        guid = literal_column(as_uuid("content_of.guid"))
    elif dialect.name == "postgresql":
        guid = collate(guid, "default")
    return _flowise.c.id == guid
