"""How the data of executions follows them on PostgreSQL, and their error the data.

Data goes with its execution, moves with its id, and is refused for an execution that is not there.
A foreign key would do the same row by row, and would not let executions be truncated.
"""

from alembic import op

from db.contents.error_sql import create_postgres_function, postgres_error_of
from db.migrations.versions.r0006_rights_and_names import create_as_owner


def deletes_data(schema: str) -> str:
    """Return what a statement runs that has deleted executions."""
    return f"DELETE FROM {schema}execution_data WHERE execution_id IN (SELECT id FROM old_rows);"


def truncates_data(schema: str) -> str:
    """Return what a statement runs that is about to truncate executions."""
    return (
        f"IF EXISTS (SELECT FROM {schema}execution_data)"
        f" THEN TRUNCATE {schema}execution_data; END IF;"
    )


def create_postgres_data(schema: str) -> None:
    """Create the triggers, except those statements that are parts of other triggers."""
    op.execute(create_postgres_function(schema))
    data, executions = f"{schema}execution_data", f"{schema}executions"
    # The locks keep executions from being deleted before this transaction ends.
    locked = (
        f"PERFORM FROM {executions} WHERE id IN (SELECT execution_id FROM new_rows)"
        " ORDER BY id FOR KEY SHARE;"
        " SELECT execution_id INTO unknown FROM new_rows WHERE NOT EXISTS"
        f" (SELECT FROM {executions} WHERE id = execution_id) LIMIT 1;"
        " IF FOUND THEN RAISE EXCEPTION"
        " 'execution_data.execution_id must be the id of an execution; got %', unknown"
        " USING ERRCODE = 'foreign_key_violation', TABLE = 'execution_data',"
        " COLUMN = 'execution_id'; END IF;"
    )
    follows = (
        f"UPDATE {executions} SET error = found.error FROM"
        f" (SELECT execution_id, {postgres_error_of('data', schema)} AS error FROM new_rows"
        " {0} OFFSET 0) AS found WHERE id = found.execution_id"
        f" AND {executions}.error IS DISTINCT FROM found.error;"
    )
    # What has moved with an id has the error that it had.
    changed = "WHERE execution_id IN (SELECT execution_id FROM old_rows)"
    for event, rows, which in (
        ("insert", "REFERENCING NEW TABLE AS new_rows", ""),
        ("update", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows", changed),
    ):
        function = f"{schema}gateway_follow_data_{event}"
        create_as_owner(
            function,
            f"{locked} {follows.format(which)} RETURN NULL;",
            "DECLARE unknown bigint;",
        )
        op.execute(
            f"CREATE TRIGGER execution_data_followed_{event} AFTER {event.upper()} ON {data}"
            f" {rows} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
    create_as_owner(
        f"{schema}gateway_move_data",
        f"UPDATE {data} SET execution_id = NEW.id WHERE execution_id = OLD.id; RETURN NULL;",
    )
    op.execute(
        f"CREATE TRIGGER executions_moved_data AFTER UPDATE OF id ON {executions}"
        " FOR EACH ROW WHEN (NEW.id <> OLD.id)"
        f" EXECUTE FUNCTION {schema}gateway_move_data()"
    )
