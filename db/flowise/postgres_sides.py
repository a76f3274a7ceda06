"""Flowise's tables and the gateway's in one database of PostgreSQL."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from db.database import Database, Execute
from db.errors import ServiceUnavailable
from db.flowise.postgres_mapping import LEFT_OUT, NOT_YET, PostgresMapping
from db.flowise.postgres_statements import PostgresStatements
from db.flowise.postgres_triggers import (
    DEFINITION,
    FUNCTIONS,
    PREFIX,
    SEALED,
    PostgresTriggers,
)
from db.flowise.refusals import CannotAttach, refuse_rights
from db.flowise.sides import Batch, Counts
from db.flowise.tables import FlowiseTables, NotFlowise

logger = logging.getLogger("gateway.database")
_LOCK = 0x6777_666C_6F77
"""The key of the advisory lock for installing and removing."""
_LOCK_TIMEOUTS = ("100ms", "300ms", "1s")
"""How long to wait for the lock of a table, which writers wait behind; then it is let go."""
_NOTED_AT_ONCE = 500
_MOST_LOOKS = 5
_READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""Each statement sees what others have committed, above all of what it has waited for."""
_BEGIN = (
    _READ_COMMITTED,
    # Whoever of Flowise's waits for this transaction does not wait for long.
    "SET LOCAL lock_timeout = '10ms'",
    # There may be no statistics yet of what was copied a moment ago.
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL enable_mergejoin = off",
)
_UTC = ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal")
_FIND = """
SELECT quote_ident(nspname) || '.', current_setting('TimeZone')
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = to_regclass(quote_ident($1))
"""
_OURS = f"""
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE quote_ident(nspname) || '.' = $1 AND (
    obj_description(pg_proc.oid, 'pg_proc') ~ '{SEALED}' AND starts_with(proname, '{PREFIX}')
    OR proname = ANY ($2::text[]) AND oidvectortypes(proargtypes) IN ('', 'text[]')
)
"""
_FUNCTIONS = f"""
SELECT proname::text, coalesce(obj_description(pg_proc.oid, 'pg_proc'), ''),
       {DEFINITION.format("pg_proc.oid")}
{_OURS}"""
_TRIGGERS = """
SELECT quote_ident(tables.nspname) || '.' || quote_ident(relname), tgname::text
FROM pg_trigger
JOIN pg_proc ON pg_proc.oid = tgfoid
JOIN pg_namespace AS functions ON functions.oid = pronamespace
JOIN pg_class ON pg_class.oid = tgrelid
JOIN pg_namespace AS tables ON tables.oid = relnamespace
WHERE quote_ident(functions.nspname) || '.' = $1 AND proname = ANY ($2::text[])
    AND tgenabled IN ('O', 'A')
"""
_DROPS = f"SELECT pg_proc.oid::regprocedure::text {_OURS}"
# Not those that go with what they depend on: indexes, constraints, and the triggers of functions.
_DEPENDENTS = f"""
SELECT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, 0)
FROM pg_depend
WHERE deptype = 'n' AND (
    refclassid = 'pg_proc'::regclass AND refobjid IN (SELECT pg_proc.oid {_OURS})
    OR refclassid = 'pg_class'::regclass AND refobjid IN (to_regclass($3), to_regclass($4))
) AND NOT (classid = 'pg_trigger'::regclass AND EXISTS (
    SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE pg_trigger.oid = objid AND tgname = proname
))
LIMIT 1
"""
_HAS_TABLES = "SELECT num_nulls(to_regclass($1), to_regclass($2)) = 0"


class _Taken(NamedTuple):
    """What making executions equal came to."""

    inserted: int = 0
    changed: int = 0
    deleted: int = 0


class PostgresSides:
    """The two sides, which triggers keep equal; see ``postgres_triggers``.

    Times of Flowise's without a time zone are in that of the gateway's sessions.
    """

    tables: Sequence[str] = (LEFT_OUT, NOT_YET)

    def __init__(self, database: Database, tables: FlowiseTables) -> None:
        self._database = database
        self._tables = tables
        self._noted_after = ""

    async def is_installed(self) -> bool:
        """Whether the triggers and tables between the two are as this version makes them."""
        triggers = PostgresTriggers(await self._mapping())
        schema, read = triggers.schema, self._database.read_latest
        tables = (f"{schema}{LEFT_OUT}", f"{schema}{NOT_YET}")
        [(has_tables,)] = await read(_HAS_TABLES, tables)
        functions = await read(_FUNCTIONS, (schema, FUNCTIONS))
        definitions = {name: definition for name, _, definition in functions}
        wanted = {
            (function.name, f"{function.fingerprint(schema)} {definitions.get(function.name)}")
            for function in triggers.functions()
        }
        made = {(trigger.table, trigger.name) for trigger in triggers.triggers()}
        return (
            has_tables
            and {(name, comment) for name, comment, _ in functions} == wanted
            and {tuple(row) for row in await read(_TRIGGERS, (schema, FUNCTIONS))} == made
        )

    async def version(self) -> int:
        """Return 0: what is installed waits for Flowise's migrations, and fails none of them."""
        return 0

    async def install(self) -> None:
        """Create what ``is_installed`` asks for; replace what another version has made.

        Raises CannotAttach if the gateway's role may not do that.
        """
        mapping = await self._mapping()
        await refuse_rights(self._database, self._tables)
        definitions = [*PostgresTriggers(mapping).definitions()]
        await _define(self._database, mapping.schema, definitions)

    async def copy_flows(self, *, is_dry: bool = False) -> int:
        """Make the gateway's agentflows equal to Flowise's; return how many differed.

        If ``is_dry``, say how many differ, and change nothing.
        """
        statements = PostgresStatements(await self._mapping())
        if is_dry:
            return len(await self._database.read_latest(statements.differing_flows(), ()))

        def copy(execute: Execute) -> int:
            _begin(execute)
            looks = (
                [flow for (flow,) in execute(statements.differing_flows(), ())]
                for _ in range(_MOST_LOOKS)
            )
            first: list[str] = []
            # What Flowise has changed between a look and the copying is found by the next look.
            for found in looks:
                if not found:
                    break
                first = first or found
                for statement in statements.copying_flows():
                    execute(statement, (found,))
            return len(first)

        return await self._database.change(copy)

    async def copy_batch(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Make the executions after an id, in the order of ids, equal to Flowise's.

        Those that Flowise is writing are left to ``catch_up``.
        """
        statements = PostgresStatements(await self._mapping())

        def copy(execute: Execute) -> Batch:
            _begin(execute)
            looked_after = (after, limit) if after else (limit,)
            page = execute(statements.look(is_first=not after), looked_after)
            last = page[-1][0] if len(page) == limit else None
            found = Counter(kind for _, kind in page)
            refused = found["refused"] + found["noted"]
            differing = [guid for guid, kind in page if kind in ("missing", "differs", "refused")]
            if is_dry or not differing:
                return Batch(last, len(page), found["missing"], found["differs"], 0, refused)
            taken = _take(execute, statements, differing)
            return Batch(last, len(page), *taken, left_out=refused)

        return await self._database.change(copy)

    async def remove_surplus(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Delete the gateway's executions after a guid that Flowise does not have."""
        statements = PostgresStatements(await self._mapping())

        def remove(execute: Execute) -> Batch:
            _begin(execute)
            page = execute(statements.surplus(), (after, limit))
            last = page[-1][0] if len(page) == limit else None
            unknown = [guid for guid, is_known in page if not is_known]
            if is_dry or not unknown:
                return Batch(last, len(page), deleted=len(unknown))
            locked = [guid for (guid,) in execute(statements.locking_ours(), (unknown,))]
            deleted = execute(statements.taking(), (locked,))[0][2]
            return Batch(last, len(page), deleted=deleted)

        return await self._database.change(remove)

    async def catch_up(self) -> int:
        """Look again at executions that could not be taken over when Flowise wrote them.

        Returns how many have changed.
        """
        statements = PostgresStatements(await self._mapping())
        noted = [
            guid
            for (guid,) in await self._database.read_latest(
                statements.noted(), (self._noted_after, _NOTED_AT_ONCE)
            )
        ]
        self._noted_after = noted[-1] if len(noted) == _NOTED_AT_ONCE else ""
        if not noted:
            return 0
        try:
            return await self._take_again(statements, noted)
        except ServiceUnavailable:
            raise
        except Exception:  # noqa: BLE001 - a rule of somebody's own may refuse one of them
            return sum([await self._take_one_again(statements, guid) for guid in noted])

    async def _take_one_again(self, statements: PostgresStatements, guid: str) -> int:
        try:
            return await self._take_again(statements, [guid])
        except ServiceUnavailable:
            raise
        except Exception:
            logger.exception("An execution of Flowise can't be taken over")
            return 0

    async def _take_again(self, statements: PostgresStatements, guids: Sequence[str]) -> int:
        def take(execute: Execute) -> int:
            _begin(execute)
            return sum(_take(execute, statements, guids))

        return await self._database.change(take)

    async def count_waiting(self) -> int:
        """Count the executions that ``catch_up`` would look at."""
        statements = PostgresStatements(await self._mapping())
        [(waiting,)] = await self._database.read_latest(statements.counting_noted(), ())
        return int(waiting)

    async def count(self) -> Counts:
        """Count both sides at one moment."""
        statements = PostgresStatements(await self._mapping())
        [counts] = await self._database.read_latest(statements.counting(), ())
        return Counts(*counts)

    async def _mapping(self) -> PostgresMapping:
        """Return the mapping between the tables, wherever they are now."""
        found = {}
        for table in ("executions", "execution", "chat_flow", "chat_message"):
            rows = await self._database.read_latest(_FIND, (table,))
            if not rows and table != "chat_message":
                raise NotFlowise(f"This database has no table {table}")
            found[table] = rows[0] if rows else ("", "")
        schema, zone = found["executions"]
        return PostgresMapping(
            self._tables,
            schema,
            "UTC" if zone in _UTC else zone,
            *(f"{found[table][0]}{table}" for table in ("execution", "chat_flow", "chat_message")),
        )


async def remove(database: Database) -> None:
    """Drop everything that ``install`` has created; see ``opening``."""
    [(schema, _)] = await database.read_latest(_FIND, ("alembic_version",))
    await _define(database, schema, [])


async def _define(database: Database, schema: str, made: Sequence[str]) -> None:
    """Drop what is there and run statements, all at once; wait for no table's lock for long."""

    def define(execute: Execute) -> None:
        execute(_READ_COMMITTED, ())
        execute(f"SET LOCAL lock_timeout = '{lock_timeout}'", ())
        execute(f"SELECT pg_advisory_xact_lock({_LOCK})", ())
        names = (schema, FUNCTIONS)
        tables = tuple(f"{schema}{name}" for name in (LEFT_OUT, NOT_YET))
        for found, needed in execute(_DEPENDENTS, (*names, *tables)):
            raise CannotAttach(
                f"The {found} depends on the gateway's {needed}, which is to be dropped: drop "
                "it first. Nothing was changed"
            )
        # Triggers go with their functions, whoever owns their tables.
        for (signature,) in execute(_DROPS, names):
            execute(f"DROP FUNCTION {signature} CASCADE", ())
        for statement in (f"DROP TABLE IF EXISTS {', '.join(tables)}", *made):
            execute(statement, ())

    for lock_timeout in _LOCK_TIMEOUTS:
        try:
            await database.change(define)
        except ServiceUnavailable:
            if lock_timeout == _LOCK_TIMEOUTS[-1]:
                raise
        else:
            return


def _begin(execute: Execute) -> None:
    for statement in _BEGIN:
        execute(statement, ())


def _take(execute: Execute, statements: PostgresStatements, guids: Sequence[str]) -> _Taken:
    """Make executions equal that nobody else is writing; note the others."""
    free = [guid for guid, is_free in execute(statements.locking_theirs(), (guids,)) if is_free]
    locked = sorted({*guids} - {*free})
    if locked:
        execute(statements.noting(), (locked,))
    if not free:
        return _Taken()
    [taken] = execute(statements.taking(), (free,))
    return _Taken(*taken)
