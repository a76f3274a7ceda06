"""What can't be attached, or not by this version, said before anything is changed."""

import asyncio
import json
from collections.abc import Iterable, Sequence

from db.database import Database
from db.errors import GatewayError, quote
from db.flowise.marker import FORMAT, TABLE, Marker, has_table, read_marker
from db.flowise.postgres_mapping import LEFT_OUT, NOT_YET
from db.flowise.postgres_triggers import FUNCTIONS
from db.flowise.read_only import PostgresReader
from db.flowise.sqlite_sides import IS_OURS
from db.flowise.sqlite_triggers import TRIGGERS, create_tables
from db.flowise.tables import FlowiseTables, Readable
from db.flowise.watch_turn import describe_running
from db.migrations.removal import (
    POSTGRES_FUNCTIONS,
    POSTGRES_TABLES,
    refuse_postgres_dependents,
    refuse_sqlite_dependents,
)
from db.migrations.sqlite_dependents import SCHEMA
from db.migrations.sqlite_names import NAMES
from db.migrations.upgrade import NEWEST_REVISION
from db.models import Base

_NOTHING = "Nothing was changed"
_OWN = (*Base.metadata.tables, *POSTGRES_TABLES)
_SIDES = (*create_tables(), LEFT_OUT, NOT_YET)
"""What attaching makes between the two sides. It replaces what has such a name."""
_NAMES = """
SELECT 'table ' || relname FROM pg_class
WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ANY($1::text[])
UNION ALL
SELECT 'function ' || proname FROM pg_proc
WHERE pronamespace = to_regnamespace(quote_ident(current_schema())) AND proname = ANY($2::text[])
ORDER BY 1 LIMIT 1
"""


_RIGHTS = {
    "execution": ("SELECT", "UPDATE", "DELETE", "TRIGGER"),
    "chat_flow": ("SELECT", "TRIGGER"),
    "chat_message": ("SELECT", "UPDATE"),
}
"""What the gateway's role must be allowed to do with Flowise's tables."""
_LACKING = """
SELECT 'GRANT ' || string_agg(right_, ', ') || ' ON ' || oid::regclass || ' TO '
       || quote_ident(current_user), pg_get_userbyid(relowner)::text, current_user::text
FROM pg_class, unnest($2::text[]) AS right_
WHERE oid = to_regclass(quote_ident($1)) AND NOT has_table_privilege(oid, right_)
GROUP BY oid, relowner
"""
_OTHER_OWNER = """
SELECT pg_get_userbyid(relowner)::text FROM pg_class
WHERE oid = to_regclass('alembic_version') AND NOT pg_has_role(relowner, 'USAGE')
"""
_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name = current_setting('application_name') ORDER BY 1
"""
_LOOKS, _LOOK_SECONDS = 10, 0.2
_ADVICE = "use the role that Flowise itself uses (its DATABASE_USER)"


class CannotAttach(GatewayError):
    """The database can't be attached or detached; the message says why."""

    code = "BAD_USER_INPUT"


class ForeignExecutions(GatewayError):
    """A Flowise's database takes no executions but Flowise's own."""

    code = "BAD_USER_INPUT"


async def refuse(database: Readable, tables: FlowiseTables) -> Marker | None:
    """Return the marker of a database that can be attached; None if it is not attached yet.

    Raises CannotAttach if it can't be.
    """
    if database.dialect.name == "postgresql":
        await _refuse_server(database, tables)
    await _refuse_owner(database)
    revision = await read_revision(database)
    # Read after the revision: another call may be making both.
    marker = await read_marker(database)
    refuse_newer(marker, revision)
    if marker is None:
        is_new = revision is None
        await _refuse_names(
            database,
            (*_OWN, *_SIDES) if is_new else _SIDES,
            (*POSTGRES_FUNCTIONS, *FUNCTIONS) if is_new else FUNCTIONS,
            (TABLE, *TRIGGERS, *(NAMES if is_new else ())),
        )
        if revision is not None and await has_table(database, "executions"):
            await _refuse_executions(database)
    return marker


async def is_flowise(database: Readable) -> bool:
    """Whether a database has tables with the names of Flowise's."""
    return await has_table(database, "execution") and await has_table(database, "chat_flow")


async def refuse_unattached(database: Readable) -> None:
    """Raise CannotAttach if a database is a Flowise's, and has no tables of the gateway's yet.

    They would stay empty beside Flowise's, and whoever looks would take Flowise for empty.
    """
    if (
        await read_revision(database) is None
        and await read_marker(database) is None
        and await is_flowise(database)
    ):
        raise CannotAttach(
            "This is the database of a Flowise: attach it first, with `attach flowise`. No table "
            "was made"
        )


async def refuse_foreign_executions(database: Readable) -> None:
    """Raise ForeignExecutions if a database is a Flowise's, which takes no executions of others."""
    if await is_flowise(database) or await read_marker(database) is not None:
        raise ForeignExecutions(
            "This is the database of a Flowise, whose executions are the only ones that can be in "
            "it: use another database for demo or imported executions. No execution was added"
        )


async def read_revision(database: Readable) -> str | None:
    """Return the revision of the gateway's tables; None if there are none."""
    if not await has_table(database, "alembic_version"):
        return None
    rows = await database.read_latest("SELECT version_num FROM alembic_version", ())
    return str(rows[0][0]) if rows else None


def refuse_newer(marker: Marker | None, revision: str | None) -> None:
    """Raise CannotAttach if a newer version of the gateway has made what is in the database."""
    if revision is not None and not revision.isdigit():
        raise CannotAttach(
            "The database has a table alembic_version of another program, and the gateway needs "
            f"that name. {_NOTHING}"
        )
    if marker is not None and marker.format > FORMAT:
        raise CannotAttach(
            f"A newer version of the gateway has attached this database (in format {marker.format},"
            f" and this version knows {FORMAT}): use that version. {_NOTHING}"
        )
    if (revision or "") > NEWEST_REVISION:
        raise CannotAttach(
            f"A newer version of the gateway uses this database (its revision is {revision}, and "
            f"this version knows {NEWEST_REVISION}): use that version. {_NOTHING}"
        )


async def _refuse_names(
    database: Readable, tables: Sequence[str], functions: Sequence[str], of_sqlite: Iterable[str]
) -> None:
    """Raise CannotAttach if another program has made something with one of the names.

    In SQLite triggers, indexes and views share theirs with tables; attaching replaces triggers.
    """
    if database.dialect.name == "sqlite":
        found = await database.read_latest(
            "SELECT type || ' ' || name FROM sqlite_master"
            f" WHERE lower(name) IN (SELECT value FROM json_each(?)) OR {IS_OURS}"
            " ORDER BY name LIMIT 1",
            (json.dumps([*tables, *of_sqlite]),),
        )
    else:
        found = await database.read_latest(_NAMES, (list(tables), list(functions)))
    if found:
        raise CannotAttach(
            f"The database has a {found[0][0]} that is not the gateway's, which needs that "
            f"name. {_NOTHING}"
        )


async def refuse_dependents(database: Database) -> None:
    """Raise InvalidInput if something of others would name what detaching removes.

    In SQLite it would fail the next migration of Flowise's. PostgreSQL would refuse to drop the
    tables when the triggers between them and Flowise's are gone already.
    """
    if database.dialect.name != "sqlite":
        await refuse_postgres_dependents(database, [TABLE])
        return
    found = await database.read_latest(f"SELECT name FROM sqlite_master WHERE {IS_OURS}", ())
    triggers = (*TRIGGERS, *(name for (name,) in found))
    schema = await database.read_latest(SCHEMA, ())
    refuse_sqlite_dependents(schema, [TABLE, *create_tables(), *triggers])


async def _refuse_executions(database: Readable) -> None:
    if (guid := await _unknown_execution(database)) is not None:
        raise CannotAttach(
            "The gateway's table executions has rows that Flowise does not know, such as "
            f"{guid}, and on an attached database Flowise's executions are the only "
            "ones. Serve the others from a database of their own (export, and import there), and "
            f"delete them here. {_NOTHING}"
        )


async def _unknown_execution(database: Readable) -> str | None:
    """Return the guid, in quotes, of an execution that Flowise does not know, if there is one."""
    found = await database.read_latest(
        "SELECT guid FROM executions WHERE NOT EXISTS"
        " (SELECT 1 FROM execution WHERE CAST(execution.id AS text) = executions.guid) LIMIT 1",
        (),
    )
    return quote(found[0][0]) if found else None


async def _refuse_server(database: Readable, tables: FlowiseTables) -> None:
    [(is_replica, is_read_only, role, schema, may_create)] = await database.read_latest(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',"
        " current_user::text, current_schema()::text,"
        " coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false)",
        (),
    )
    if is_replica:
        raise CannotAttach(
            "This is a replica of PostgreSQL, which can only be read: attach the primary, and name "
            f"the replica in GATEWAY_READ_DATABASE_URL if you like. {_NOTHING}"
        )
    if is_read_only:
        raise CannotAttach(f"The role {quote(role)} may only read: {_ADVICE}. {_NOTHING}")
    if not may_create:
        raise CannotAttach(
            f"The role {quote(role)} may not create tables in the schema {quote(schema)}: "
            f"{_ADVICE}. {_NOTHING}"
        )
    await refuse_rights(database, tables)


async def read_own_marker(database: Readable) -> Marker | None:
    """Return the marker of a database, to detach it.

    It is None if the gateway's tables are beside Flowise's though it was never attached. Raises
    CannotAttach if there is nothing to remove, or what nobody else has.
    """
    await _refuse_owner(database)
    marker = await read_marker(database)
    if marker is not None:
        return marker
    if await read_revision(database) is None or not await is_flowise(database):
        raise CannotAttach("The database is not attached to a Flowise; nothing was changed")
    refuse_newer(None, await read_revision(database))
    if await has_table(database, "executions") and (guid := await _unknown_execution(database)):
        raise CannotAttach(
            "The database is not attached to a Flowise, and the gateway's tables in it have "
            f"executions that Flowise does not know, such as {guid}: export them if you need them, "
            f"and delete them. {_NOTHING}"
        )
    return None


def refuse_running(in_the_way: str | None) -> None:
    """Raise CannotAttach if something is in the way of detaching."""
    if in_the_way is not None:
        raise CannotAttach(f"{in_the_way}: end it, and detach then. {_NOTHING}")


async def refuse_sessions(reader: PostgresReader) -> None:
    """Raise CannotAttach if gateways have sessions in a database, this one aside.

    Sessions that a pooler shares don't tell. One that was ended may be there for a moment.
    """
    if reader.sessions_are_shared:
        return
    for _ in range(_LOOKS):
        pids = [pid for (pid,) in await reader.read_latest(_SESSIONS, ())]
        if not pids:
            return
        await asyncio.sleep(_LOOK_SECONDS)
    refuse_running(describe_running("PostgreSQL's sessions", pids))


async def _refuse_owner(database: Readable) -> None:
    """Raise CannotAttach if the gateway's tables in PostgreSQL are of a role that this one is not.

    Raises nothing if there are no tables yet.
    """
    if database.dialect.name == "postgresql" and (
        owners := await database.read_latest(_OTHER_OWNER, ())
    ):
        raise CannotAttach(
            f"The gateway's tables in this database belong to the role {quote(owners[0][0])}, and "
            f"only it can attach or detach: use that role. {_NOTHING}"
        )


async def refuse_rights(database: Readable, tables: FlowiseTables) -> None:
    """Raise CannotAttach if the role in PostgreSQL lacks rights on Flowise's tables."""
    lacking = [
        row
        for name, rights in _RIGHTS.items()
        if getattr(tables, name)
        for row in await database.read_latest(_LACKING, (name, list(rights)))
    ]
    if lacking:
        _, owner, role = lacking[0]
        grants = "; ".join(grant for grant, *_ in lacking)
        raise CannotAttach(
            f"The role {quote(role)} lacks rights on Flowise's tables: {_ADVICE}, or let {owner} "
            f"run: {grants}. {_NOTHING}"
        )
