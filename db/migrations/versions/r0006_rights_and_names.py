"""Let whoever writes need rights on what they write alone, and fold names in any normal form.

What triggers do beside a write runs with the rights of the tables' owner, whatever the writer's
search path. Only PostgreSQL needs it: a file of SQLite has no rights within it, and its function
that folds is the gateway's own.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.postgres_counting import note_bodies
from db.migrations.versions.r0003_counts import STATES, WIDTHS

revision = "0006"
down_revision = "0005"

_LOCK = 0x6777_7365_71
"""A number for the advisory lock of whoever moves the sequence."""
_STEPS = 50_000
"""So many ids are taken one by one, which moves nothing back, whoever else takes some."""
_PATH = "SET search_path = pg_catalog, pg_temp"


def upgrade() -> None:
    """Replace the functions."""
    if op.get_bind().dialect.name == "sqlite":
        return
    schema = _schema()
    op.execute(
        f"CREATE OR REPLACE FUNCTION {schema}gateway_casefold(folded text) RETURNS text"
        f" LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {_folded()}"
    )
    _create_moving(schema)
    for name, body in note_bodies(WIDTHS, STATES, schema).items():
        moving = _moving(schema) if name == "insert" else ""
        _create_as_owner(f"{schema}gateway_note_{name}", f"{body}{moving} RETURN NULL;")
    _create_as_owner(
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


def _schema() -> str:
    """Where the tables are, as it stands before their names."""
    of_table = sa.text(
        "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = 'executions'::regclass"
    )
    name = op.get_bind().execute(of_table).scalar_one()
    return op.get_bind().dialect.identifier_preparer.quote_identifier(name) + "."


def _create_as_owner(name: str, body: str) -> None:
    """Create a trigger's function with its owner's rights, which nobody else puts on a table."""
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        f" SECURITY DEFINER {_PATH} AS $$ BEGIN {body} END $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")


def _moving(schema: str) -> str:
    # Who gives ids of their own must not be in the way of those who ask for one.
    return (
        f" PERFORM {schema}gateway_move_sequence(highest) FROM"
        f" (SELECT max(id) AS highest FROM new_rows) AS given, {schema}executions_id_seq"
        " WHERE highest > last_value OR (highest = last_value AND NOT is_called);"
    )


def _create_moving(schema: str) -> None:
    """Create the function after which the sequence gives greater ids than one; it never goes back.

    Those who move it do so one after the other, and wait for no transaction.
    """
    sequence = "'" + f"{schema}executions_id_seq".replace("'", "''") + "'::regclass"
    op.execute(
        f"CREATE FUNCTION {schema}gateway_move_sequence(highest bigint) RETURNS void"
        f" LANGUAGE plpgsql STRICT SECURITY DEFINER {_PATH} AS $$ DECLARE reached bigint; BEGIN"
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
        f" PERFORM pg_advisory_unlock({_LOCK}); END $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {schema}gateway_move_sequence(bigint) FROM PUBLIC")


def _folded() -> str:
    """How this server folds case in every script, and normal forms, as far as it can."""
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
    """How a server before version 18 folds case with ICU.

    By upper case, which writes out what lower case has one letter for; the sigma at the end of a
    word is one of those.
    """
    icu = 'COLLATE pg_catalog."und-x-icu"'
    folded = f"lower(upper(lower({text} {icu}) {icu}) {icu})"
    return f"replace({folded}, U&'\\03C2', U&'\\03C3')"
