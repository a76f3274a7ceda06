"""Require fewer rights of writers, and fold names in any normal form.

Triggers run with the rights of the tables' owner, whatever the writer's search path, so a writer
needs rights only on the tables it writes. This concerns PostgreSQL only: SQLite has no rights, and
its case folding is a function of the gateway.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.dollar_quoting import dollar_quoted
from db.migrations.postgres_counting import delta_bodies
from db.migrations.versions.r0003_counts import STATES, WIDTHS

revision = "0006"
down_revision = "0005"

_LOCK = 0x6777_7365_71
"""The key of the advisory lock for moving the sequence."""
_STEPS = 50_000
"""Up to this many ids are taken one by one, which can't undo what other sessions take."""
_PATH = "SET search_path = pg_catalog, pg_temp"


def upgrade() -> None:
    """Replace the functions."""
    if op.get_bind().dialect.name == "sqlite":
        return
    schema = schema_of_tables()
    op.execute(
        f"CREATE OR REPLACE FUNCTION {schema}gateway_casefold(folded text) RETURNS text"
        f" LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {_folded()}"
    )
    _create_moving(schema)
    for name, body in delta_bodies(WIDTHS, STATES, schema).items():
        moving = moves_sequence(schema) if name == "insert" else ""
        create_as_owner(f"{schema}gateway_note_{name}", f"{body}{moving} RETURN NULL;")
    create_as_owner(
        f"{schema}gateway_note_id",
        f"PERFORM {schema}gateway_move_sequence(NEW.id); RETURN NULL;",
    )
    op.execute(
        f"CREATE TRIGGER executions_noted_id AFTER UPDATE OF id ON {schema}executions"
        f" FOR EACH ROW WHEN (NEW.id > OLD.id) EXECUTE FUNCTION {schema}gateway_note_id()"
    )
    for function in ("fold_counts", *(f"check_{table}" for table in _CHECKED)):
        op.execute(
            f"ALTER FUNCTION {schema}gateway_{function}()"
            f" SET search_path = pg_catalog, {schema.removesuffix('.')}, pg_temp"
        )


_CHECKED = ("executions", "agentflows", "api_keys")


def schema_of_tables() -> str:
    """The quoted schema of the tables, with a dot, to prefix their names."""
    of_table = sa.text(
        "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = 'executions'::regclass"
    )
    name = op.get_bind().execute(of_table).scalar_one()
    return op.get_bind().dialect.identifier_preparer.quote_identifier(name) + "."


def create_as_owner(name: str, body: str, declared: str = "") -> None:
    """Create a trigger function that runs as its owner, and that nobody else can use."""
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        f" SECURITY DEFINER {_PATH} AS {dollar_quoted(f' {declared} BEGIN {body} END ')}"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")


def moves_sequence(schema: str) -> str:
    """Return what the trigger of inserts runs beside counting."""
    # Ids that a writer chooses must not collide with those that the sequence assigns.
    return (
        f" PERFORM {schema}gateway_move_sequence(highest) FROM"
        f" (SELECT max(id) AS highest FROM new_rows) AS given, {schema}executions_id_seq"
        " WHERE highest > last_value OR (highest = last_value AND NOT is_called);"
    )


def _create_moving(schema: str) -> None:
    """Create the function that moves the sequence past an id, and never back.

    Sessions that move it take turns, and wait for no transaction.
    """
    sequence = "'" + f"{schema}executions_id_seq".replace("'", "''") + "'::regclass"
    body = (
        " DECLARE reached bigint; BEGIN"
        f" PERFORM pg_advisory_lock({_LOCK});"
        " BEGIN"
        " SELECT last_value - (NOT is_called)::integer INTO reached"
        f" FROM {schema}executions_id_seq;"
        " WHILE reached < highest LOOP"
        f" IF highest - reached > {_STEPS} THEN"
        f" PERFORM setval({sequence}, highest); EXIT;"
        " END IF;"
        f" reached := nextval({sequence});"
        " END LOOP;"
        " EXCEPTION WHEN OTHERS OR query_canceled THEN"
        f" PERFORM pg_advisory_unlock({_LOCK}); RAISE;"
        " END;"
        f" PERFORM pg_advisory_unlock({_LOCK}); END "
    )
    op.execute(
        f"CREATE FUNCTION {schema}gateway_move_sequence(highest bigint) RETURNS void"
        f" LANGUAGE plpgsql STRICT SECURITY DEFINER {_PATH} AS {dollar_quoted(body)}"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {schema}gateway_move_sequence(bigint) FROM PUBLIC")


def _folded() -> str:
    """The expression that folds case and normal forms as well as this server can."""
    bind = op.get_bind()
    if bind.execute(sa.text("SHOW server_encoding")).scalar_one() != "UTF8":
        return "lower(folded)"
    text = "normalize(folded, NFD)"
    if (bind.dialect.server_version_info or (0,)) >= (18,):
        return f"normalize(casefold({text} COLLATE pg_catalog.pg_unicode_fast), NFC)"
    has_icu = sa.text("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
    if not bind.execute(has_icu).first():
        return f"normalize(lower({text}), NFC)"
    return f"normalize({icu_casefold(text)}, NFC)"


def icu_casefold(text: str) -> str:
    """The expression that folds case with ICU, for servers before version 18.

    Goes through upper case, which expands letters that lower case keeps as one. The final sigma is
    handled separately.
    """
    icu = 'COLLATE pg_catalog."und-x-icu"'
    folded = f"lower(upper(lower({text} {icu}) {icu}) {icu})"
    return f"replace({folded}, U&'\\03C2', U&'\\03C3')"
