"""What brings the gateway's changes to Flowise in PostgreSQL: the bodies of functions.

Flowise's rows are taken at once or not at all, and the statement of whoever changes the gateway's
side fails: Flowise has its own rows first, and may be waiting for those of the gateway.
"""

from db.flowise.postgres_mapping import PostgresMapping

REFUSE_TRUNCATE = """
BEGIN
    RAISE EXCEPTION 'executions are those of an attached Flowise: delete them, or detach Flowise'
        USING ERRCODE = 'object_not_in_prerequisite_state';
END
"""


def send_changes(mapping: PostgresMapping) -> str:
    """Return what brings a change of state to Flowise."""
    its_id = f"theirs.id = ANY (ARRAY(SELECT {mapping.key('id', 'guid')} FROM"
    changed_on = "coalesce(it.updated_on, floor(extract(epoch FROM now()) * 1000)::bigint)"
    stopped_on = f"coalesce(it.finished_on, {changed_on})"
    updated, stopped = (
        mapping.moment(column, milliseconds)
        for column, milliseconds in (("updatedDate", changed_on), ("stoppedDate", stopped_on))
    )
    return f"""
DECLARE
    guids text[];
    states text[];
    updates bigint[];
    finishes bigint[];
BEGIN
    SELECT array_agg(newer.guid), array_agg(newer.state), array_agg(newer.updated_on),
           array_agg(newer.finished_on)
    INTO guids, states, updates, finishes
    FROM old_rows AS older JOIN new_rows AS newer ON newer.id = older.id
    WHERE newer.guid = older.guid AND newer.state <> older.state;
    IF guids IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM {mapping.execution} AS theirs
    WHERE {its_id} unnest(guids) AS guid)) FOR NO KEY UPDATE NOWAIT;
    UPDATE {mapping.execution} AS theirs SET
        state = it.state,
        "updatedDate" = {updated},
        "stoppedDate" = CASE it.state WHEN 'STOPPED' THEN {stopped} ELSE theirs."stoppedDate" END
    FROM unnest(guids, states, updates, finishes) AS it (guid, state, updated_on, finished_on)
    WHERE {its_id} unnest(guids) AS guid)) AND theirs.id::text = it.guid
        AND theirs.state::text <> it.state;
    RETURN NULL;
END
"""


def send_deletions(mapping: PostgresMapping) -> str:
    """Return what brings a deletion to Flowise, and takes it from chat messages."""
    messages = ""
    if mapping.tables.chat_message:
        message_key = mapping.key("executionId", "guid", mapping.tables.chat_message)
        messages = f"""
    WITH locked AS MATERIALIZED (
        SELECT id FROM {mapping.chat_message}
        WHERE "executionId" = ANY (ARRAY(SELECT {message_key} FROM unnest(guids) AS guid))
        FOR NO KEY UPDATE NOWAIT
    )
    UPDATE {mapping.chat_message} AS theirs SET "executionId" = NULL
    WHERE theirs.id = ANY (ARRAY(SELECT id FROM locked));"""
    return f"""
DECLARE
    guids text[] := ARRAY(SELECT guid FROM old_rows);
    keys {mapping.tables.execution["id"]}[];
BEGIN
    -- Others may be there again, or Flowise has deleted them.
    guids := ARRAY(
        SELECT guid FROM unnest(guids) AS guid
        WHERE guid NOT IN (
            SELECT ours.guid FROM {mapping.schema}executions AS ours WHERE ours.guid = ANY (guids)
        )
    );
    keys := ARRAY(
        SELECT id FROM {mapping.execution} WHERE id = ANY (ARRAY(
            SELECT {mapping.key("id", "guid")} FROM unnest(guids) AS guid
        )) FOR UPDATE NOWAIT
    );
    IF keys = '{{}}' THEN
        RETURN NULL;
    END IF;
    guids := ARRAY(SELECT key::text FROM unnest(keys) AS key);
    DELETE FROM {mapping.execution} WHERE id = ANY (keys);{messages}
    RETURN NULL;
END
"""
