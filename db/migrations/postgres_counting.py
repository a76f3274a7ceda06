"""How PostgreSQL counts executions: its own part of a revision.

A statement that writes executions inserts count deltas, one row for each hour and agentflow it
touches, and ``gateway_fold_counts`` adds the deltas to the counts later. Writers only insert and
never wait for each other, and a delta exists if and only if its write is committed.
"""

from collections.abc import Mapping, Sequence

from alembic import op

_HOUR = 3_600_000
_COMPACTED_AT_ONCE = 100_000
_TRIGGERS = {
    "insert": ("INSERT", "REFERENCING NEW TABLE AS new_rows"),
    "delete": ("DELETE", "REFERENCING OLD TABLE AS old_rows"),
    "update": ("UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "truncate": ("TRUNCATE", ""),
}
_LOCK = 0x6777_666F_6C64
"""The key of the advisory lock for compaction."""


def create_postgres_counting(widths: Mapping[str, Sequence[int]], states: Sequence[str]) -> None:
    """Create the table of deltas, the triggers that insert them and their compaction."""
    columns = [state.lower() for state in states]
    bodies = delta_bodies(widths, states)
    op.execute(
        "CREATE TABLE execution_count_notes (start bigint NOT NULL,"
        f' agentflow_id text COLLATE "C" NOT NULL, {_each(columns, "{} bigint NOT NULL")})'
    )
    for name, (event, referencing) in _TRIGGERS.items():
        body = bodies[name]
        if name == "insert":
            # Ids that a writer chooses must not collide with those that the sequence assigns.
            body += (
                " PERFORM setval('executions_id_seq', highest) FROM"
                " (SELECT max(id) AS highest FROM new_rows) AS given, executions_id_seq"
                " WHERE highest > last_value;"
            )
        _create_trigger(name, event, referencing, body)
    _create_compaction(widths, columns)


def delta_bodies(
    widths: Mapping[str, Sequence[int]], states: Sequence[str], schema: str = ""
) -> dict[str, str]:
    """Return what the trigger of each event runs; ``schema`` prefixes the names of tables."""
    columns = ", ".join(state.lower() for state in states)
    counted = _each(states, "count(*) FILTER (WHERE state = '{}')")
    uncounted = _each(states, "-count(*) FILTER (WHERE state = '{}')")
    moved = _each(states, "coalesce(sum(one) FILTER (WHERE state = '{}'), 0)")
    start = _bucket("created_on", _HOUR)
    note = f"INSERT INTO {schema}execution_count_notes (start, agentflow_id, {columns})"
    emptied = ("execution_count_notes", *widths)
    return {
        "insert": f"{note} SELECT {start}, agentflow_id, {counted} FROM new_rows GROUP BY 1, 2;",
        "delete": f"{note} SELECT {start}, agentflow_id, {uncounted} FROM old_rows GROUP BY 1, 2;",
        "update": f"{note} SELECT {start}, agentflow_id, {moved} FROM"
        " (SELECT created_on, agentflow_id, state, 1 AS one FROM new_rows UNION ALL"
        " SELECT created_on, agentflow_id, state, -1 FROM old_rows) AS moved GROUP BY 1, 2;",
        "truncate": " ".join(f"DELETE FROM {schema}{table};" for table in emptied),
    }


def _create_trigger(name: str, event: str, referencing: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION gateway_note_{name}() RETURNS trigger LANGUAGE plpgsql"
        f" SET search_path FROM CURRENT AS $$ BEGIN {body} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER executions_noted_{name} AFTER {event} ON executions {referencing}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_{name}()"
    )


def _create_compaction(widths: Mapping[str, Sequence[int]], columns: Sequence[str]) -> None:
    folds = []
    for table, of_table in widths.items():
        key = "width, agentflow_id, start" if table == "agentflow_counts" else "width, start"
        start = f"CASE WHEN width = 0 THEN 0 ELSE {_bucket('start', 'nullif(width, 0)')} END"
        values = ", ".join(f"({width}::bigint)" for width in of_table)
        folds.append(
            f"{table}_folded AS (INSERT INTO {table} ({key}, {', '.join(columns)})"
            f" SELECT {key.replace('start', start)}, {_each(columns, 'sum({})')}"
            f" FROM taken, (VALUES {values}) AS widths (width)"
            f" GROUP BY {', '.join(str(place + 1) for place in range(key.count(',') + 1))}"
            f" ON CONFLICT ({key}) DO UPDATE SET"
            f" {_each(columns, '{0} = ' + table + '.{0} + excluded.{0}')})"
        )
    op.execute(
        "CREATE FUNCTION gateway_fold_counts() RETURNS bigint LANGUAGE plpgsql"
        " SET search_path FROM CURRENT AS $$ DECLARE folded bigint; BEGIN"
        f" IF NOT pg_try_advisory_xact_lock({_LOCK}) THEN RETURN 0; END IF;"
        " WITH taken AS (DELETE FROM execution_count_notes WHERE ctid = ANY (ARRAY"
        f" (SELECT ctid FROM execution_count_notes LIMIT {_COMPACTED_AT_ONCE})) RETURNING *),"
        f" {', '.join(folds)} SELECT count(*) INTO folded FROM taken;"
        " RETURN folded; END $$"
    )


def _bucket(moment: str, width: int | str) -> str:
    # SQL's division rounds towards zero, but a bucket starts at or before its times.
    return f"{moment} - (({moment} % {width}) + {width}) % {width}"


def _each(names: Sequence[str], form: str) -> str:
    return ", ".join(form.format(name) for name in names)
