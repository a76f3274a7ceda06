"""The triggers between Flowise's tables and the gateway's in PostgreSQL.

Each is for a statement, and its function runs as its owner, so that whoever writes one side needs
no rights on the other. What Flowise writes is taken over with what its rows are by then, so the
order of triggers does not matter, nor what other triggers write.

A statement of Flowise's never fails because of the gateway, and never waits for it for long: what
can't be taken over is noted in ``flowise_left_out``, or in ``flowise_not_yet`` if that may pass.
Whoever changes the gateway's side takes Flowise's rows at once or fails: Flowise, which has its own
rows first, may be waiting for those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from db.flowise.postgres_back import REFUSE_TRUNCATE, send_changes, send_deletions
from db.flowise.postgres_forward import (
    DECLARATIONS,
    FOLLOWS_INDEXES,
    of_executions,
    of_flows,
    take_body,
)
from db.flowise.postgres_mapping import (
    LEFT_OUT,
    NOT_YET,
    PostgresMapping,
    quoted,
)
from db.flowise.postgres_marking import FROM_FLOWISE
from db.migrations.dollar_quoting import dollar_quoted

PREFIX = "gateway_flowise_"
"""What the names of functions and triggers begin with; a trigger has its function's name."""
_EVENTS = ("insert", "update", "delete", "truncate")
FUNCTIONS = (
    f"{PREFIX}take",
    *(f"{PREFIX}{kind}_{event}" for kind in ("execution", "flow") for event in _EVENTS),
    *(f"{PREFIX}back_{event}" for event in _EVENTS[1:]),
)
"""The names of all functions."""
_PATH = "SET search_path = pg_catalog, pg_temp"
# What Flowise waits for at most because of the gateway.
_TAKES = f"{_PATH} SET lock_timeout = '500ms' {FOLLOWS_INDEXES}"
# Flowise may be changing a table that has a trigger of the gateway's, and wait for one of its rows.
_SENDS = f"{_PATH} SET lock_timeout = '10ms' {FOLLOWS_INDEXES}"

DEFINITION = "encode(sha256(convert_to(pg_get_functiondef({}), 'UTF8')), 'hex')"
"""A digest, in SQL, of all there is of the function with an oid: its settings, too."""
SEALED = "^[0-9a-f]{16} [0-9a-f]{64}$"
"""What the comment of a function is, of this or another version of the gateway."""


class Function(NamedTuple):
    """A function: its name and arguments, what it returns, its settings and its body."""

    name: str
    arguments: str
    returns: str
    settings: str
    body: str

    def create(self, schema: str) -> str:
        """Return the statement that creates it or puts it in the place of another version."""
        return (
            f"CREATE OR REPLACE FUNCTION {schema}{self.name}({self.arguments})"
            f" RETURNS {self.returns} LANGUAGE plpgsql SECURITY DEFINER {self.settings}"
            f" AS {dollar_quoted(self.body)}"
        )

    def fingerprint(self, schema: str) -> str:
        """Return a digest of the statement, with which the function's comment begins."""
        return sha256(self.create(schema).encode()).hexdigest()[:16]

    def seal(self, schema: str) -> str:
        """Return the statement that notes the function in its comment, as it is now.

        It has the fingerprint and what ``DEFINITION`` says, which an ALTER FUNCTION changes.
        """
        name = f"{schema}{self.name}"
        oid = f"{quoted(name)}::regproc::oid"
        body = f"""
BEGIN
    EXECUTE 'COMMENT ON FUNCTION ' || {quoted(name)} || ' IS '
        || quote_literal('{self.fingerprint(schema)} ' || {DEFINITION.format(oid)});
END
"""
        return f"DO {dollar_quoted(body)}"


class Trigger(NamedTuple):
    """A trigger for statements: the table that it is on, its event, and what it calls."""

    name: str
    table: str
    event: str
    rows: str
    condition: str
    function: str

    def create(self, schema: str) -> str:
        """Return the statement that creates it."""
        when = f" WHEN ({self.condition})" if self.condition else ""
        return (
            f"CREATE TRIGGER {self.name} {self.event} ON {self.table} {self.rows}"
            f" FOR EACH STATEMENT{when} EXECUTE FUNCTION {schema}{self.function}()"
        )


_OLD = "OLD TABLE AS old_rows"
_NEW = "NEW TABLE AS new_rows"
_ROWS = {
    "INSERT": f"REFERENCING {_NEW}",
    "UPDATE": f"REFERENCING {_OLD} {_NEW}",
    "DELETE": f"REFERENCING {_OLD}",
    "TRUNCATE": "",
}


@dataclass(frozen=True, slots=True)
class PostgresTriggers:
    """What is made in a database."""

    mapping: PostgresMapping

    @property
    def schema(self) -> str:
        """The gateway's schema, quoted and with a dot."""
        return self.mapping.schema

    def definitions(self) -> Iterator[str]:
        """Yield the statements that create everything."""
        schema = self.schema
        yield (
            f'CREATE TABLE {schema}{LEFT_OUT} (guid text COLLATE "C" PRIMARY KEY,'
            " reason text NOT NULL)"
        )
        yield (
            f"CREATE TABLE {schema}{NOT_YET} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            ' guid text COLLATE "C" NOT NULL, reason text NOT NULL)'
        )
        yield f"CREATE INDEX ON {schema}{NOT_YET} (guid)"
        for function in self.functions():
            signature = f"{schema}{function.name}({function.arguments})"
            yield function.create(schema)
            yield f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"
            yield function.seal(schema)
        for trigger in self.triggers():
            yield trigger.create(schema)

    def triggers(self) -> Iterator[Trigger]:
        """Yield all triggers."""
        tables = {"execution": self.mapping.execution, "flow": self.mapping.chat_flow}
        for kind, table in tables.items():
            for event, rows in _ROWS.items():
                name = f"{PREFIX}{kind}_{event.lower()}"
                yield Trigger(name, table, f"AFTER {event}", rows, "", name)
        ours = f"{self.schema}executions"
        for event in ("UPDATE", "DELETE"):
            name = f"{PREFIX}back_{event.lower()}"
            yield Trigger(name, ours, f"AFTER {event}", _ROWS[event], FROM_FLOWISE.is_off, name)
        name = f"{PREFIX}back_truncate"
        yield Trigger(name, ours, "BEFORE TRUNCATE", "", "", name)

    def functions(self) -> Iterator[Function]:
        """Yield all functions, each after those that it calls."""
        take = f"{PREFIX}take"
        yield Function(
            take,
            "ids text[], OUT inserted bigint, OUT changed bigint, OUT deleted bigint",
            "record",
            _TAKES,
            take_body(self.mapping),
        )
        for event, body in of_executions(self.mapping, f"{self.schema}{take}").items():
            yield self._of_trigger(f"execution_{event}", _TAKES, self._guarded(event, body))
        for event, body in of_flows(self.mapping).items():
            yield self._of_trigger(f"flow_{event}", _TAKES, self._guarded("flow", body))
        yield self._of_trigger("back_update", _SENDS, send_changes(self.mapping))
        yield self._of_trigger("back_delete", _SENDS, send_deletions(self.mapping))
        yield self._of_trigger("back_truncate", _PATH, REFUSE_TRUNCATE)

    def _of_trigger(self, name: str, settings: str, body: str) -> Function:
        return Function(f"{PREFIX}{name}", "", "trigger", settings, body)

    def _guarded(self, event: str, body: str) -> str:
        """Let no error reach Flowise's statement: note its executions, for another look."""
        rows = "old_rows" if event in ("delete", "update") else "new_rows"
        noted = {
            "truncate": f"SELECT guid, why FROM {self.schema}executions",
            "update": "SELECT id::text, why FROM old_rows UNION SELECT id::text, why FROM new_rows",
            "flow": "",
        }.get(event, f"SELECT id::text, why FROM {rows}")
        note = f"INSERT INTO {self.schema}{NOT_YET} (guid, reason) {noted};"
        return f"""
DECLARE{DECLARATIONS}
    {FROM_FLOWISE.declaration}
    why text;
BEGIN
    {FROM_FLOWISE.begin}
    <<body>>
    BEGIN
        {body}
    END body;
    {FROM_FLOWISE.end}
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    why := left(SQLERRM, 500);
    RAISE WARNING 'The gateway could not follow a write of Flowise: %', why;
    BEGIN
        {note if noted else "NULL;"}
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RETURN NULL;
END
"""
