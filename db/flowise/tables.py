"""Flowise's tables, as they are found in a database."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy.engine import Dialect

from db.database import Rows
from db.errors import GatewayError, quote

_DATES = ("timestamp without time zone", "timestamp with time zone")
_TEXTS = ("character varying", "text", "uuid")


class NotFlowise(GatewayError):
    """The database has no tables of Flowise, or other ones than Flowise makes."""

    code = "BAD_USER_INPUT"


@dataclass(frozen=True, slots=True)
class FlowiseTables:
    """Flowise's tables: for each column that a mapping can use, the type as the database says it.

    ``chat_message`` is empty if it does not know executions. Older versions of Flowise have no
    column ``workspaceId``. ``version`` is the name of the newest migration of Flowise, if it is
    known.
    """

    execution: Mapping[str, str]
    chat_flow: Mapping[str, str]
    chat_message: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None

    @property
    def has_workspaces(self) -> bool:
        """Whether executions belong to workspaces."""
        return "workspaceId" in self.execution


class Readable(Protocol):
    """Any connection to a database that can run a SELECT."""

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of this kind of database."""

    def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Awaitable[Rows]:
        """Run the text of one SELECT and return all rows."""


class _Table(NamedTuple):
    """What Flowise makes: columns that must be there, others, and what PostgreSQL calls types."""

    required: Mapping[str, Sequence[str]]
    optional: Mapping[str, Sequence[str]]


_EXECUTION = _Table(
    {
        "id": _TEXTS,
        "executionData": _TEXTS,
        "state": _TEXTS,
        "agentflowId": _TEXTS,
        "sessionId": _TEXTS,
        "createdDate": _DATES,
        "updatedDate": _DATES,
        "stoppedDate": _DATES,
    },
    {"workspaceId": _TEXTS, "action": _TEXTS, "isPublic": ("boolean",)},
)
_CHAT_FLOW = _Table({"id": _TEXTS, "name": _TEXTS}, {})
_CHAT_MESSAGE = _Table({"id": _TEXTS, "executionId": _TEXTS}, {})

_SQLITE_KIND = "SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE"
_SQLITE_COLUMNS = "SELECT name, type, pk FROM pragma_table_info(?)"
_SQLITE_KEY = """
SELECT (SELECT "notnull" FROM pragma_table_info(?1) WHERE name = 'id'),
       EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = key.name),
       (SELECT coll FROM pragma_index_xinfo(key.name) WHERE "key")
FROM pragma_index_list(?1) AS key WHERE key.origin = 'pk'
"""
"""Finds whether an id may be null, whether rows have numbers besides it, and its collation."""
_POSTGRES_KIND = "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(quote_ident($1))"
_POSTGRES_COLUMNS = """
SELECT attname::text, format_type(atttypid, NULL),
       CASE WHEN (SELECT indkey::text FROM pg_index WHERE indrelid = attrelid AND indisprimary)
                 = attnum::text THEN 1 ELSE 0 END
FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""
_MAY_READ = "SELECT has_table_privilege(to_regclass('migrations'), 'SELECT')"
_VERSION = "SELECT name FROM migrations ORDER BY id DESC LIMIT 1"


async def find_tables(database: Readable) -> FlowiseTables:
    """Find Flowise's tables in a database, and the columns that its version has.

    Raises NotFlowise, with a message that names the table and what is wrong with it.
    """
    execution = await _find(database, "execution", _EXECUTION)
    chat_flow = await _find(database, "chat_flow", _CHAT_FLOW)
    if execution is not None and database.dialect.name == "sqlite":
        await _refuse_key(database, "execution")
    if execution is None or chat_flow is None:
        found = {"execution": execution, "chat_flow": chat_flow}
        lacking = " and no table ".join(name for name, columns in found.items() if not columns)
        raise NotFlowise(
            f"This database has no table {lacking}: it is not Flowise's, or "
            "Flowise is older than 3.0, which has no executions of agentflows. Nothing was changed"
        )
    message = await _columns(database, "chat_message")
    knows_executions = message is not None and "executionId" in message
    return FlowiseTables(
        execution,
        chat_flow,
        await _find(database, "chat_message", _CHAT_MESSAGE) or {} if knows_executions else {},
        await _version(database),
    )


async def _find(database: Readable, table: str, made: _Table) -> Mapping[str, str] | None:
    """Return the types of a table's columns that are used; None if there is no such table."""
    found = await _columns(database, table)
    if found is None:
        return None
    if missing := [name for name in made.required if name not in found]:
        raise NotFlowise(
            f"The table {table} is not what Flowise makes: it has no column "
            f"{', '.join(missing)}. Nothing was changed"
        )
    if not found["id"][1]:
        raise NotFlowise(
            f"The table {table} is not what Flowise makes: id is not its primary key. "
            "Nothing was changed"
        )
    used = {**made.required, **made.optional}
    if database.dialect.name == "postgresql":
        for name, types in used.items():
            if name in found and found[name][0] not in types:
                raise NotFlowise(
                    f"The table {table} is not what Flowise makes: its column {name} is of the "
                    f"type {quote(found[name][0])}. Nothing was changed"
                )
    return {name: found[name][0] for name in used if name in found}


async def _refuse_key(database: Readable, table: str) -> None:
    """Raise NotFlowise if the primary key in SQLite is not one as Flowise makes it.

    Its triggers and copies need one, and what is wrong would fail the statements of Flowise.
    """
    [(is_not_null, has_row_numbers, collation)] = await database.read_latest(
        _SQLITE_KEY, (table,)
    ) or [(True, True, None)]
    wrong = None
    if collation is None:
        wrong = "its id is a number"
    elif not has_row_numbers:
        wrong = "it is made WITHOUT ROWID"
    elif not is_not_null:
        wrong = "its id may be null"
    elif collation != "BINARY":
        wrong = f"its id is compared as {quote(collation)}, and not as BINARY"
    if wrong is not None:
        raise NotFlowise(
            f"The table {table} is not what Flowise makes: {wrong}. Nothing was changed"
        )


async def _columns(database: Readable, table: str) -> Mapping[str, tuple[str, bool]] | None:
    """Return the type of each column, and whether it alone is the key; None without a table."""
    is_sqlite = database.dialect.name == "sqlite"
    kinds = await database.read_latest(_SQLITE_KIND if is_sqlite else _POSTGRES_KIND, (table,))
    if not kinds:
        return None
    if kinds[0][0] not in ("table", "r"):
        raise NotFlowise(
            f"{table} is not what Flowise makes: it is no ordinary table. Nothing was changed"
        )
    columns = await database.read_latest(
        _SQLITE_COLUMNS if is_sqlite else _POSTGRES_COLUMNS, (table,)
    )
    keys = sum(1 for column in columns if column[2])
    return {name: (type_, bool(key) and keys == 1) for name, type_, key in columns}


async def _version(database: Readable) -> str | None:
    columns = await _columns(database, "migrations")
    if columns is None or not {"id", "name"} <= set(columns):
        return None
    if database.dialect.name == "postgresql":
        [(may_read,)] = await database.read_latest(_MAY_READ, ())
        if not may_read:
            return None
    rows = await database.read_latest(_VERSION, ())
    return str(rows[0][0]) if rows else None
