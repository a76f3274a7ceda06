"""Flowise's columns as the gateway's, and back, in PostgreSQL's SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.contents.error_sql import postgres_error_of
from db.contents.steps import MARK
from db.flowise.tables import FlowiseTables
from db.models import LONGEST_TEXT_BYTES, ExecutionState

LEFT_OUT = "flowise_left_out"
"""The table of executions that can't be taken over, and why."""
NOT_YET = "flowise_not_yet"
"""The table of executions that were not taken over when they were written, and are to be.

Nothing in it is unique, because whoever notes an execution would wait for others that do.
"""
SEEN_TOO_EARLY = "'another transaction was writing it'"
"""Why, in SQL, an execution comes again that nothing is wrong with."""
_STATES = ", ".join(f"'{state}'" for state in ExecutionState)
_LONGEST = 2000
"""In bytes. An entry of an index has room for some 2,700 that can't be compressed."""
_UUID = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"
# A day less than what the gateway's columns can have, whatever the time zone.
_FIRST, _LAST = "0001-01-02 00:00:00+00", "9999-12-30 23:59:59.999999+00"


def as_uuid(text: str) -> str:
    """Return SQL for a text as a UUID; it is null if the text is none in the usual form."""
    return f"CASE WHEN {text} ~ '{_UUID}' THEN {text}::uuid END"


def reason(tables: FlowiseTables, row: str) -> str:
    """Return SQL that says why an execution can't be taken over; it is null if it can be."""
    refusals = [
        (f"{row}.id::text = ''", "'its id is empty'"),
        (f'{row}."agentflowId" IS NULL', "'its agentflowId is null'"),
        (
            f"coalesce({row}.state::text, '') NOT IN ({_STATES})",
            "'its state is none of the six'",
        ),
    ]
    refusals += [
        (
            f"({_is_in_range(tables, row, name)}) IS NOT TRUE",
            f"'its {name} is outside the years 1 to 9999'",
        )
        for name in ("createdDate", "updatedDate")
    ]
    refusals += [
        (
            f'octet_length({row}."{name}") > {_LONGEST}',
            f"'its {name} is longer than {_LONGEST} bytes'",
        )
        for name in ("id", "agentflowId", "sessionId", "workspaceId")
        if tables.execution.get(name, "uuid") != "uuid"
    ]
    cases = " ".join(f"WHEN {wrong} THEN {why}" for wrong, why in refusals)
    return f"CASE {cases} END"


def _is_in_range(tables: FlowiseTables, row: str, column: str) -> str:
    zone = "tz" if _has_zone(tables, column) else ""
    return f"{row}.\"{column}\" BETWEEN timestamp{zone} '{_FIRST}' AND timestamp{zone} '{_LAST}'"


def _has_zone(tables: FlowiseTables, column: str) -> bool:
    return tables.execution[column] == "timestamp with time zone"


@dataclass(frozen=True, slots=True)
class PostgresMapping:
    """How the rows of Flowise's ``execution`` become those of ``executions``, and back.

    ``schema`` is the gateway's, quoted and with a dot; the names of Flowise's tables are quoted and
    have their schema. Columns of Flowise's without a time zone are in ``zone``.
    """

    tables: FlowiseTables
    schema: str
    zone: str
    execution: str
    chat_flow: str
    chat_message: str

    def good(self, rows: str, condition: str = "true") -> str:
        """Return a SELECT of ``values`` of rows of ``now`` that can be taken over.

        Each value is computed once for a row, however often a statement names it.
        """
        named = ", ".join(f"{value} AS {name}" for name, value in self.values("now").items())
        return (
            f"SELECT {named} FROM {rows} WHERE {condition}"
            f" AND ({reason(self.tables, 'now')}) IS NULL OFFSET 0"
        )

    def values(self, row: str) -> Mapping[str, str]:
        """Return the values of the gateway's columns for the row of a name."""
        state, data = f"{row}.state::text", f'{row}."executionData"'
        return {
            "guid": f"{row}.id::text",
            "agentflow_id": f'{row}."agentflowId"::text',
            "session_id": f'{row}."sessionId"::text',
            "workspace_id": self._workspace(row),
            "state": state,
            "created_on": self._milliseconds(row, "createdDate"),
            "updated_on": self._milliseconds(row, "updatedDate"),
            "stopped_on": f"CASE WHEN {state} = '{ExecutionState.STOPPED}' THEN coalesce("
            f"{self._milliseconds(row, 'stoppedDate')}, {self._milliseconds(row, 'updatedDate')})"
            " END",
            "error": f"CASE WHEN {state} <> '{ExecutionState.INPROGRESS}'"
            f" AND strpos({data}, '{MARK}') > 0 THEN {postgres_error_of(data, self.schema)} END",
        }

    def flow(self, row: str) -> Mapping[str, str]:
        """Return the values of the columns of ``agentflows`` for a row of ``chat_flow``."""
        name = f"{row}.name::text"
        is_short = f"octet_length({name}) <= {LONGEST_TEXT_BYTES}"
        return {"id": f"{row}.id::text", "name": f"CASE WHEN {is_short} THEN {name} END"}

    def is_flow(self, row: str) -> str:
        """Return whether a row of ``chat_flow`` can be taken over."""
        return f"octet_length({row}.id::text) BETWEEN 1 AND {_LONGEST}"

    def _workspace(self, row: str) -> str:
        if not self.tables.has_workspaces:
            return "NULL::text"
        return f"nullif({row}.\"workspaceId\"::text, '')"

    def _milliseconds(self, row: str, column: str) -> str:
        """Return a time in epoch milliseconds; null if it is null or can't be taken over."""
        moment = f'{row}."{column}"'
        if self.zone != "UTC" and not _has_zone(self.tables, column):
            moment = f"({moment} AT TIME ZONE {quoted(self.zone)})"
        return (
            f"CASE WHEN {_is_in_range(self.tables, row, column)}"
            f" THEN floor(extract(epoch FROM {moment}) * 1000)::bigint END"
        )

    def moment(self, column: str, milliseconds: str) -> str:
        """Return epoch milliseconds as a value of a column of Flowise's."""
        has_zone = _has_zone(self.tables, column)
        is_utc = self.zone == "UTC" and not has_zone
        epoch = "timestamp '1970-01-01'" if is_utc else "timestamptz '1970-01-01 00:00:00+00'"
        # Milliseconds in one interval would be rounded far from the epoch.
        moment = (
            f"({epoch} + {milliseconds} / 1000 * interval '1 second'"
            f" + {milliseconds} % 1000 * interval '1 millisecond')"
        )
        return moment if is_utc or has_zone else f"({moment} AT TIME ZONE {quoted(self.zone)})"

    def key(self, column: str, guid: str, table: Mapping[str, str] | None = None) -> str:
        """Return a text of the gateway's in the type of a column of Flowise's.

        It is null if the column can't have it.
        """
        type_ = (self.tables.execution if table is None else table)[column]
        if type_ != "uuid":
            return f"{guid}::{type_}"
        return as_uuid(guid)


CHANGING: Sequence[str] = ("state", "updated_on", "error")
"""The columns of ``executions`` that Flowise changes, besides ``finished_on``."""
_OTHERS = ("agentflow_id", "session_id", "workspace_id", "created_on")
VALUES: Sequence[str] = (*_OTHERS, *CHANGING)
"""All that follow Flowise's, but for the guid and ``finished_on``."""


def assignment(ours: str, it: str, columns: Sequence[str] = VALUES) -> str:
    """Return what an update sets. When a state was reached, only a stopped execution tells."""
    finished = (
        f"finished_on = CASE WHEN {it}.stopped_on IS NOT NULL THEN {it}.stopped_on"
        f" WHEN {it}.state = {ours}.state THEN {ours}.finished_on ELSE {it}.updated_on END"
    )
    return ", ".join([*(f"{name} = {it}.{name}" for name in columns), finished])


def sameness(ours: str, it: str) -> str:
    """Return whether a row of ``executions`` has Flowise's values but for ``CHANGING``."""
    row, values = (", ".join(f"{side}.{name}" for name in _OTHERS) for side in (ours, it))
    return f"({row}) IS NOT DISTINCT FROM ({values})"


def difference(ours: str, it: str) -> str:
    """Return whether a row of ``executions`` differs from Flowise's values."""
    row, values = (", ".join(f"{side}.{name}" for name in VALUES) for side in (ours, it))
    return (
        f"({row}) IS DISTINCT FROM ({values})"
        f" OR coalesce({it}.stopped_on <> {ours}.finished_on, {it}.stopped_on IS NOT NULL)"
    )


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
