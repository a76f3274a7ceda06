"""What takes over what Flowise writes in PostgreSQL: the bodies of functions."""

from db.flowise.postgres_mapping import (
    LEFT_OUT,
    SEEN_TOO_EARLY,
    VALUES,
    PostgresMapping,
    assignment,
    difference,
    reason,
)

# Tables are looked into by a list of ids, and what is found is joined by hashes. A plan is kept,
# from when tables were small or rows many, and must suit the others too.
FOLLOWS_INDEXES = "SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off"
"""The settings of functions with these bodies."""


def declarations(mapping: PostgresMapping) -> str:
    """Return what the bodies for events declare."""
    return f"""
    ids text[];
    keys {mapping.tables.execution["id"]}[];
    flow_keys {mapping.tables.chat_flow["id"]}[];
    ids_sum numeric;
    rows_there bigint;
    rows_done bigint;
    is_off boolean;"""


_FIND = """
    SELECT count(*), array_agg(id), array_agg(id::text), sum(hashtextextended(id::text, 0))
    INTO rows_there, keys, ids, ids_sum FROM {};
    IF rows_there = 0 THEN
        RETURN NULL;
    END IF;"""


def of_executions(mapping: PostgresMapping, take: str) -> dict[str, str]:
    """Return what follows each event of Flowise's executions."""
    ours = f"{mapping.schema}executions"
    differs = difference("ours", "it")
    current = mapping.good(
        f"new_rows AS row JOIN {mapping.execution} AS now ON now.id = row.id",
        'row."executionData"',
        "now.id = ANY (keys)",
    )
    rest = f"IF rows_done < rows_there THEN PERFORM {take}(ids); END IF;"
    insert = f"""{_FIND.format("new_rows")}
    INSERT INTO {ours} (guid, {", ".join(VALUES)}, finished_on)
    SELECT it.guid, {", ".join(f"it.{name}" for name in VALUES)}, it.stopped_on
    FROM ({current}) AS it
    ON CONFLICT (guid) DO NOTHING;
    GET DIAGNOSTICS rows_done = ROW_COUNT;
    {rest}"""
    # A row may have got another id: the sums differ then.
    update = f"""{_FIND.format("new_rows")}
    WITH changed AS (
        UPDATE {ours} AS ours SET {assignment("ours", "it")}
        FROM ({current}) AS it
        WHERE ours.guid = ANY (ids) AND ours.guid = it.guid AND ({differs})
        RETURNING ({differs}) AS is_off
    )
    SELECT count(*), bool_or(changed.is_off) INTO rows_done, is_off FROM changed;
    IF ids_sum <> (SELECT sum(hashtextextended(id::text, 0)) FROM old_rows) THEN
        is_off := true;
        ids := ids || ARRAY(SELECT id::text FROM old_rows);
    END IF;
    IF is_off OR rows_done < rows_there THEN
        PERFORM {take}(ids);
    END IF;"""
    delete = f"""{_FIND.format("old_rows")}
    DELETE FROM {ours} AS ours WHERE ours.guid = ANY (ids) AND ours.guid NOT IN (
        SELECT now.id::text FROM {mapping.execution} AS now WHERE now.id = ANY (keys)
    );
    GET DIAGNOSTICS rows_done = ROW_COUNT;
    {rest}"""
    truncate = f"DELETE FROM {ours}; DELETE FROM {mapping.schema}{LEFT_OUT};"
    return {"insert": insert, "update": update, "delete": delete, "truncate": truncate}


def take_body(mapping: PostgresMapping) -> str:
    """Return what makes executions equal to Flowise's, given its ids, which may be any."""
    ours, left_out = f"{mapping.schema}executions", f"{mapping.schema}{LEFT_OUT}"
    theirs = f"{mapping.execution} AS now WHERE now.id = ANY (keys)"
    why = reason(mapping.tables, "now")
    differs = difference("ours", "it")

    def good(condition: str) -> str:
        return mapping.good(
            f"{mapping.execution} AS now",
            'now."executionData"',
            f"now.id = ANY (keys) AND {condition}",
        )

    missing = good(f"now.id::text NOT IN (SELECT guid FROM {ours} WHERE guid = ANY (ids))")
    # A time that a statement does not change is set by a trigger, hence twice.
    update = f"""
    WITH written AS (
        UPDATE {ours} AS ours SET {assignment("ours", "it")}
        FROM ({good("true")}) AS it
        WHERE ours.guid = ANY (ids) AND ours.guid = it.guid AND ({differs})
        RETURNING ({differs}) AS is_off
    )
    SELECT count(*), bool_or(written.is_off) INTO INTO_WHAT, is_off FROM written;"""
    return f"""
DECLARE
    keys {mapping.tables.execution["id"]}[] := ARRAY(
        SELECT {mapping.key("id", "guid")} FROM unnest(ids) AS guid
    );
    is_off boolean;
    again bigint;
BEGIN
    DELETE FROM {ours} AS ours WHERE ours.guid = ANY (ids)
        AND ours.guid NOT IN (SELECT now.id::text FROM {theirs} AND ({why}) IS NULL);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    INSERT INTO {ours} (guid, {", ".join(VALUES)}, finished_on)
    SELECT it.guid, {", ".join(f"it.{name}" for name in VALUES)}, it.stopped_on
    FROM ({missing}) AS it
    ORDER BY it.created_on, it.guid
    ON CONFLICT (guid) DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    {update.replace("INTO_WHAT", "changed")}
    IF is_off THEN
        {update.replace("INTO_WHAT", "again")}
    END IF;
    INSERT INTO {left_out} AS known (guid, reason, comes_again)
    SELECT now.id::text, {why}, false FROM {theirs} AND ({why}) IS NOT NULL
    ON CONFLICT (guid) DO UPDATE SET reason = excluded.reason, comes_again = false
    WHERE known.comes_again OR known.reason <> excluded.reason;
    IF current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM {left_out} AS known WHERE known.guid = ANY (ids)
            AND known.guid NOT IN (SELECT now.id::text FROM {theirs} AND ({why}) IS NOT NULL);
    ELSE
        -- Others may have committed what this transaction does not see.
        INSERT INTO {left_out} (guid, reason)
        SELECT DISTINCT given.guid, {SEEN_TOO_EARLY} FROM unnest(ids) AS given (guid)
        ON CONFLICT DO NOTHING;
    END IF;
END
"""


def of_flows(mapping: PostgresMapping) -> dict[str, str]:
    """Return what follows each event of Flowise's flows."""
    ours, flow = f"{mapping.schema}agentflows", mapping.flow("now")
    theirs = f"{mapping.chat_flow} AS now WHERE now.id = ANY (flow_keys)"
    upsert = f"""
    flow_keys := ARRAY(SELECT id FROM new_rows);
    INSERT INTO {ours} AS ours ({", ".join(flow)})
    SELECT {", ".join(flow.values())} FROM {theirs} AND {mapping.is_flow("now")}
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, workspace_id = excluded.workspace_id
    WHERE (ours.name, ours.workspace_id) IS DISTINCT FROM (excluded.name, excluded.workspace_id);"""
    delete = f"""
    flow_keys := ARRAY(SELECT id FROM old_rows);
    DELETE FROM {ours} AS ours WHERE ours.id = ANY (ARRAY(SELECT id::text FROM old_rows))
        AND ours.id NOT IN (SELECT now.id::text FROM {theirs});"""
    return {
        "insert": upsert,
        "update": f"{upsert} {delete}",
        "delete": delete,
        "truncate": f"DELETE FROM {ours};",
    }
