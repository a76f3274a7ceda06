"""The statements that make the two sides equal in PostgreSQL, a few executions at a time.

What Flowise is writing is never waited for: rows are locked, and those that others have locked are
noted, to come again.
"""

from dataclasses import dataclass

from db.flowise.postgres_mapping import (
    LEFT_OUT,
    NOT_YET,
    SEEN_TOO_EARLY,
    PostgresMapping,
    difference,
    reason,
)
from db.flowise.postgres_triggers import PREFIX


@dataclass(frozen=True, slots=True)
class PostgresStatements:
    """The statements for the tables of a mapping. Lists of guids are parameters of type text[]."""

    mapping: PostgresMapping

    def look(self, *, is_first: bool) -> str:
        """Return a SELECT of the next of Flowise's ids, and what is to be done about each.

        Its parameters are the id before, unless it is the first, and how many there are at most.
        """
        mapping = self.mapping
        after = "" if is_first else f"WHERE id > $1::{mapping.tables.execution['id']}"
        values = ", ".join(f"{value} AS {name}" for name, value in mapping.values("now").items())
        why = reason(mapping.tables, "now")
        known = f"{mapping.schema}{LEFT_OUT}"
        return f"""
WITH page AS MATERIALIZED (
    SELECT id FROM {mapping.execution} {after} ORDER BY id LIMIT ${1 if is_first else 2}
), ours AS MATERIALIZED (
    SELECT * FROM {mapping.schema}executions WHERE guid = ANY (ARRAY(SELECT id::text FROM page))
), known AS MATERIALIZED (
    SELECT guid, reason FROM {known}
    WHERE guid = ANY (ARRAY(SELECT id::text FROM page))
)
SELECT now.id::text, CASE
    WHEN {why} IS NOT NULL THEN
        CASE WHEN ours.id IS NULL AND known.reason = {why} THEN 'noted' ELSE 'refused' END
    WHEN ours.id IS NULL THEN 'missing'
    WHEN (SELECT {difference("ours", "it")} FROM (SELECT {values}) AS it) THEN 'differs'
    ELSE 'equal' END
FROM {mapping.execution} AS now
LEFT JOIN ours ON ours.guid = now.id::text
LEFT JOIN known ON known.guid = now.id::text
WHERE now.id = ANY (ARRAY(SELECT id FROM page))
ORDER BY now.id"""

    def surplus(self) -> str:
        """Return a SELECT of the gateway's guids after one, and whether Flowise has each."""
        mapping = self.mapping
        return f"""
WITH page AS MATERIALIZED (
    SELECT guid FROM {mapping.schema}executions WHERE guid > $1 ORDER BY guid LIMIT $2
)
SELECT guid, guid IN (
    SELECT id::text FROM {mapping.execution}
    WHERE id = ANY (ARRAY(SELECT {mapping.key("id", "guid")} FROM page))
) FROM page ORDER BY guid"""

    def locking_ours(self) -> str:
        """Return what locks the gateway's executions of some guids, and returns those locked."""
        return (
            f"SELECT guid FROM {self.mapping.schema}executions WHERE guid = ANY ($1::text[])"
            " FOR UPDATE SKIP LOCKED"
        )

    def locking_theirs(self) -> str:
        """Return what locks Flowise's executions, and says of each guid whether it may be taken.

        So may those that Flowise does not have.
        """
        mapping = self.mapping
        key = mapping.key("id", "guid")
        return f"""
WITH locked AS MATERIALIZED (
    SELECT id FROM {mapping.execution}
    WHERE id = ANY (ARRAY(SELECT {key} FROM unnest($1::text[]) AS guid))
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT guid, guid IN (SELECT id::text FROM locked) OR guid NOT IN (
    SELECT id::text FROM {mapping.execution}
    WHERE id = ANY (ARRAY(SELECT {key} FROM unnest($1::text[]) AS guid))
) FROM unnest($1::text[]) AS guid"""

    def taking(self) -> str:
        """Return what makes the executions of some guids equal to Flowise's."""
        return f"SELECT * FROM {self.mapping.schema}{PREFIX}take($1::text[])"

    def noting(self) -> str:
        """Return what notes guids, to come again."""
        return (
            f"INSERT INTO {self.mapping.schema}{NOT_YET} (guid, reason)"
            f" SELECT guid, {SEEN_TOO_EARLY} FROM unnest($1::text[]) AS guid"
        )

    def noted(self) -> str:
        """Return a SELECT of the next guids after one that come again."""
        return (
            f"SELECT DISTINCT guid FROM {self.mapping.schema}{NOT_YET}"
            " WHERE guid > $1 ORDER BY guid LIMIT $2"
        )

    def counting_noted(self) -> str:
        """Return a SELECT of how many executions come again."""
        return f"SELECT count(DISTINCT guid) FROM {self.mapping.schema}{NOT_YET}"

    def counting(self) -> str:
        """Return a SELECT of how many executions each side has, and how many are left out."""
        schema, execution = self.mapping.schema, self.mapping.execution
        return f"""
SELECT (SELECT count(*) FROM {execution}), (SELECT count(*) FROM {schema}executions), (
    SELECT count(*) FROM (
        SELECT guid FROM {schema}{LEFT_OUT} UNION SELECT guid FROM {schema}{NOT_YET}
    ) AS known
    WHERE EXISTS (
        SELECT FROM {execution} AS theirs
        WHERE theirs.id = {self.mapping.key("id", "known.guid")}
    ) AND NOT EXISTS (SELECT FROM {schema}executions AS ours WHERE ours.guid = known.guid)
)"""

    def differing_flows(self) -> str:
        """Return a SELECT of the ids of flows that are not the same on both sides."""
        flow = self.mapping.flow("now")
        values = ", ".join(f"{value} AS {name}" for name, value in flow.items())
        row, theirs = (", ".join(f"{side}.{name}" for name in flow) for side in ("ours", "it"))
        return f"""
SELECT coalesce(it.id, ours.id)
FROM (
    SELECT {values} FROM {self.mapping.chat_flow} AS now WHERE {self.mapping.is_flow("now")}
) AS it
FULL JOIN {self.mapping.schema}agentflows AS ours ON ours.id = it.id
WHERE ({row}) IS DISTINCT FROM ({theirs})"""

    def copying_flows(self) -> tuple[str, str]:
        """Return what makes the flows of some ids equal to Flowise's, and deletes the others."""
        mapping = self.mapping
        flow = mapping.flow("now")
        key = mapping.key("id", "given", mapping.tables.chat_flow)
        taken = ", ".join(f"{name} = excluded.{name}" for name in flow)
        copy = (
            f"INSERT INTO {mapping.schema}agentflows ({', '.join(flow)})"
            f" SELECT {', '.join(flow.values())} FROM {mapping.chat_flow} AS now"
            f" WHERE now.id = ANY (ARRAY(SELECT {key} FROM unnest($1::text[]) AS given))"
            f" AND {mapping.is_flow('now')}"
            f" ON CONFLICT (id) DO UPDATE SET {taken}"
        )
        delete = (
            f"DELETE FROM {mapping.schema}agentflows WHERE id = ANY ($1::text[])"
            f" AND id NOT IN (SELECT id::text FROM {mapping.chat_flow})"
        )
        return copy, delete
