"""Take everything away that the migrations have made in a database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from db.database import Database
from db.errors import InvalidInput
from db.migrations.postgres_dependents import DEPENDENTS
from db.migrations.sqlite_counts import COUNTED
from db.migrations.sqlite_dependents import SCHEMA, find_dependents
from db.migrations.upgrade import take_turns
from db.models import Base

POSTGRES_TABLES = ("execution_count_notes", "recent_writers", "event_ticks")
"""The tables that only PostgreSQL has."""
_VERSION = "alembic_version"
_OTHERS_DEPEND = "2BP01"
_OF_TABLES = "gateway_events_of"
"""The function whose result has the type of a table."""
POSTGRES_FUNCTIONS = (
    "gateway_casefold",
    "gateway_check_agentflows",
    "gateway_check_api_keys",
    "gateway_check_executions",
    "gateway_error_of",
    "gateway_fold_counts",
    "gateway_follow_data_insert",
    "gateway_follow_data_update",
    "gateway_log_truncate",
    "gateway_move_data",
    "gateway_move_sequence",
    "gateway_note_delete",
    "gateway_note_guids",
    "gateway_note_id",
    "gateway_note_insert",
    "gateway_note_truncate",
    "gateway_note_update",
    "gateway_order_events",
    "gateway_tick",
    "gateway_times",
)


async def remove(database: Database) -> None:
    """Drop the gateway's tables with all that is in them, its triggers and its functions.

    Tables of other programs stay as they are. Of a database that no gateway has migrated nothing is
    removed. Raises ServiceUnavailable if the database can't be written, and InvalidInput if
    something of another program depends on what would be dropped.
    """
    await database.transact(lambda connection: connection.run_sync(_remove))


def _remove(connection: Connection) -> None:
    take_turns(connection)
    found = inspect(connection)
    if not found.has_table(_VERSION):
        return
    is_postgres = connection.dialect.name == "postgresql"
    there = set(found.get_table_names())
    tables = [name for name in (*Base.metadata.tables, *POSTGRES_TABLES) if name in there]
    if is_postgres:
        _drop(connection, "FUNCTION", (_OF_TABLES,))
    else:
        refuse_sqlite_dependents(connection.exec_driver_sql(SCHEMA).all())
        _drop(connection, "VIEW", (COUNTED,))
    # Triggers and indexes go with their tables.
    _drop(connection, "TABLE", (*tables, _VERSION))
    if is_postgres:
        _drop(connection, "FUNCTION", POSTGRES_FUNCTIONS)


def refuse_sqlite_dependents(schema: Iterable[Sequence[str]], others: Iterable[str] = ()) -> None:
    """Raise InvalidInput if something of another program depends on what ``remove`` would drop.

    ``schema`` is what ``SCHEMA`` finds in SQLite, and ``others`` is what else would be dropped.
    """
    dropped = (*Base.metadata.tables, *POSTGRES_TABLES, COUNTED, _VERSION, *others)
    _refuse(find_dependents(schema, dropped))


async def refuse_postgres_dependents(database: Database, others: Iterable[str] = ()) -> None:
    """Raise InvalidInput as ``refuse_sqlite_dependents`` does; ``others`` are names of tables.

    PostgreSQL itself lets nothing be dropped that others depend on. This is for whoever changes
    something before ``remove``.
    """
    tables = [*Base.metadata.tables, *POSTGRES_TABLES, _VERSION, *others]
    functions = [_OF_TABLES, *POSTGRES_FUNCTIONS]
    found = await database.read_latest(DEPENDENTS, (tables, _VERSION, functions))
    _refuse([name for (name,) in found])


def _refuse(dependents: Sequence[str]) -> None:
    if dependents:
        raise InvalidInput(
            "Something else in the database depends on the gateway's tables: "
            f"{', '.join(dependents)}. Nothing was removed. Drop it first"
        )


def _drop(connection: Connection, kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        try:
            connection.execute(text(f"DROP {kind} IF EXISTS {name}"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != _OTHERS_DEPEND:
                raise
            raise InvalidInput(
                f"Something else in the database, a view maybe, depends on the {kind.lower()} "
                f"{name}; nothing was removed. Drop it first"
            ) from error
