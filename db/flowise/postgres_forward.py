"""What takes over what Flowise writes in PostgreSQL: the bodies of functions."""

from db.flowise.postgres_mapping import (
    CHANGING,
    LEFT_OUT,
    NOT_YET,
    SEEN_TOO_EARLY,
    VALUES,
    PostgresMapping,
    assignment,
    difference,
    reason,
    sameness,
)
from db.flowise.postgres_marking import FROM_FLOWISE

# A session plans a statement of a function once, and keeps the plan. It may do so when tables are
# still empty, or for a statement with many rows. So that the plan is good for others too, rows are
# found through an index, by a list of their ids, and joined by hashes.
FOLLOWS_INDEXES = (
    "SET plan_cache_mode = force_generic_plan SET jit = off"
    " SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off"
)
"""The settings of functions with these bodies."""


DECLARATIONS = """
    rows_there bigint;
    rows_done bigint := 0;"""
"""What the bodies for events declare. They are in a block named ``body``, which they may leave."""
_HAS_NESTED = "gateway.flowise_nests"
"""A setting of a transaction in which a trigger of somebody's own has written to ``execution``.

The gateway's trigger for the statement that set it off runs after the one for what it wrote, and is
still given the rows as they were before. So from then on, rows are read from the table.
"""


def of_executions(mapping: PostgresMapping, take: str) -> dict[str, str]:
    """Return what follows each event of Flowise's executions.

    What is usual takes one statement. ``take`` is the function for everything else.
    """
    ours = f"{mapping.schema}executions"
    good = mapping.good("new_rows AS now")
    has_nested = f"current_setting('{_HAS_NESTED}', true) = 'on'"
    notes_nesting = (
        f"IF pg_trigger_depth() > 1 THEN PERFORM set_config('{_HAS_NESTED}', 'on', true); END IF;"
    )
    insert = f"""
    SELECT count(*) INTO rows_there FROM new_rows;
    IF rows_there = 0 THEN
        EXIT body;
    END IF;
    IF {has_nested} IS NOT TRUE THEN
        INSERT INTO {ours} (guid, {", ".join(VALUES)}, finished_on)
        SELECT it.guid, {", ".join(f"it.{name}" for name in VALUES)}, it.stopped_on
        FROM ({good}) AS it
        ON CONFLICT (guid) DO NOTHING;
        GET DIAGNOSTICS rows_done = ROW_COUNT;
    END IF;
    IF rows_done < rows_there THEN
        PERFORM {take}(ARRAY(SELECT id::text FROM new_rows));
    END IF;
    {notes_nesting}"""
    # A trigger sets the time of an update that does not change it, and one that names other columns
    # costs more. A row that got another id is not found by it.
    update = f"""
    SELECT count(*) INTO rows_there FROM new_rows;
    IF rows_there = 0 THEN
        EXIT body;
    END IF;
    IF {has_nested} IS NOT TRUE THEN
        UPDATE {ours} AS ours SET {assignment("ours", "it", CHANGING)}
        FROM ({good}) AS it
        WHERE ours.guid = ANY (ARRAY(SELECT id::text FROM new_rows)) AND ours.guid = it.guid
            AND ours.updated_on <> it.updated_on AND {sameness("ours", "it")};
        GET DIAGNOSTICS rows_done = ROW_COUNT;
    END IF;
    IF rows_done < rows_there THEN
        PERFORM {take}(ARRAY(SELECT id::text FROM old_rows UNION SELECT id::text FROM new_rows));
    END IF;
    {notes_nesting}"""
    delete = f"""
    SELECT count(*) INTO rows_there FROM old_rows;
    IF rows_there = 0 THEN
        EXIT body;
    END IF;
    DELETE FROM {ours} AS ours
    WHERE ours.guid = ANY (ARRAY(SELECT id::text FROM old_rows)) AND ours.guid NOT IN (
        SELECT now.id::text FROM {mapping.execution} AS now
        WHERE now.id = ANY (ARRAY(SELECT id FROM old_rows))
    );
    GET DIAGNOSTICS rows_done = ROW_COUNT;
    IF rows_done < rows_there THEN
        PERFORM {take}(ARRAY(SELECT id::text FROM old_rows));
    END IF;
    {notes_nesting}"""
    truncate = f"DELETE FROM {ours}; DELETE FROM {mapping.schema}{LEFT_OUT};"
    return {"insert": insert, "update": update, "delete": delete, "truncate": truncate}


def take_body(mapping: PostgresMapping) -> str:
    """Return what makes executions equal to Flowise's, given its ids, which may be any."""
    ours, left_out, not_yet = (
        f"{mapping.schema}{table}" for table in ("executions", LEFT_OUT, NOT_YET)
    )
    theirs = f"{mapping.execution} AS now WHERE now.id = ANY (keys)"
    why = reason(mapping.tables, "now")
    differs = difference("ours", "it")

    def good(condition: str) -> str:
        return mapping.good(f"{mapping.execution} AS now", f"now.id = ANY (keys) AND {condition}")

    missing = good(f"now.id::text NOT IN (SELECT guid FROM {ours} WHERE guid = ANY (ids))")

    def update(counter: str) -> str:
        return f"""
    WITH written AS (
        UPDATE {ours} AS ours SET {assignment("ours", "it")}
        FROM ({good("true")}) AS it
        WHERE ours.guid = ANY (ids) AND ours.guid = it.guid AND ({differs})
        RETURNING ({differs}) AS is_off
    )
    SELECT count(*), bool_or(written.is_off) INTO {counter}, is_off FROM written;"""

    return f"""
DECLARE
    {FROM_FLOWISE.declaration}
    keys {mapping.tables.execution["id"]}[] := ARRAY(
        SELECT {mapping.key("id", "guid")} FROM unnest(ids) AS guid
    );
    is_off boolean;
    again bigint;
    notes bigint[] := ARRAY(SELECT note.id FROM {not_yet} AS note WHERE note.guid = ANY (ids));
BEGIN
    {FROM_FLOWISE.begin}
    DELETE FROM {ours} AS ours WHERE ours.guid = ANY (ids)
        AND ours.guid NOT IN (SELECT now.id::text FROM {theirs} AND ({why}) IS NULL);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    INSERT INTO {ours} (guid, {", ".join(VALUES)}, finished_on)
    SELECT it.guid, {", ".join(f"it.{name}" for name in VALUES)}, it.stopped_on
    FROM ({missing}) AS it
    ORDER BY it.created_on, it.guid
    ON CONFLICT (guid) DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    {update("changed")}
    -- A trigger sets a time that a statement does not change, so a second statement is right.
    IF is_off THEN
        {update("again")}
    END IF;
    INSERT INTO {left_out} AS known (guid, reason)
    SELECT now.id::text, {why} FROM {theirs} AND ({why}) IS NOT NULL
    ON CONFLICT (guid) DO UPDATE SET reason = excluded.reason
    WHERE known.reason <> excluded.reason;
    DELETE FROM {left_out} AS known WHERE known.guid = ANY (ids)
        AND known.guid NOT IN (SELECT now.id::text FROM {theirs} AND ({why}) IS NOT NULL);
    IF current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM {not_yet} AS note WHERE note.id = ANY (notes);
    ELSE
        -- Others may have committed what this transaction does not see.
        INSERT INTO {not_yet} (guid, reason)
        SELECT DISTINCT given.guid, {SEEN_TOO_EARLY} FROM unnest(ids) AS given (guid);
    END IF;
    {FROM_FLOWISE.end}
END
"""


def of_flows(mapping: PostgresMapping) -> dict[str, str]:
    """Return what follows each event of Flowise's flows."""
    ours, flow = f"{mapping.schema}agentflows", mapping.flow("now")

    def theirs(rows: str) -> str:
        return f"{mapping.chat_flow} AS now WHERE now.id = ANY (ARRAY(SELECT id FROM {rows}))"

    upsert = f"""
    INSERT INTO {ours} AS ours ({", ".join(flow)})
    SELECT {", ".join(flow.values())} FROM {theirs("new_rows")} AND {mapping.is_flow("now")}
    ON CONFLICT (id) DO UPDATE SET name = excluded.name
    WHERE ours.name IS DISTINCT FROM excluded.name;"""
    delete = f"""
    DELETE FROM {ours} AS ours WHERE ours.id = ANY (ARRAY(SELECT id::text FROM old_rows))
        AND ours.id NOT IN (SELECT now.id::text FROM {theirs("old_rows")});"""
    return {
        "insert": upsert,
        "update": f"{upsert} {delete}",
        "delete": delete,
        "truncate": f"DELETE FROM {ours};",
    }
