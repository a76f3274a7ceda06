"""How a row of Flowise's is read as an execution of the gateway's, as expressions of SQLite.

Triggers run them in Flowise's own program, so they use only what every SQLite has. They never fail,
whatever a row holds: columns of Flowise's may hold values of any type, and texts of any bytes.
"""

from collections.abc import Mapping

from db.contents.error_sql import sqlite_error_of
from db.flowise.tables import FlowiseTables
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LONGEST_TEXT_BYTES, ExecutionState
from db.utf8_sql import sqlite_not_utf8

_STATES = ", ".join(f"'{state}'" for state in ExecutionState)
ALWAYS = ("agentflow_id", "session_id", "state", "created_on", "updated_on")
"""What an execution always has of Flowise's row, besides ``workspace_id`` and ``error``."""
COLUMNS = (*ALWAYS, "workspace_id", "error", "finished_on")
"""The columns of an execution that come from Flowise's row."""


_TEXTS = ("guid", "agentflow_id", "session_id", "workspace_id")
_NAMES = {
    "guid": "id",
    "agentflow_id": "agentflowId",
    "session_id": "sessionId",
    "workspace_id": "workspaceId",
    "state": "state",
}


PROGRESS = ("executionData", "state", "updatedDate", "stoppedDate")
"""What Flowise changes of an execution as it goes on."""


def identity(tables: FlowiseTables) -> list[str]:
    """Return what Flowise changes of no execution, as its columns are named."""
    names = [name for name in _NAMES.values() if name != "state"]
    if not tables.has_workspaces:
        names.remove("workspaceId")
    return [*names, "createdDate"]


def read(tables: FlowiseTables, row: str) -> dict[str, str]:
    """Return expressions for what is read of a row of Flowise's, by name.

    These are ``guid`` and ``COLUMNS``, but for times; and ``times``, of which ``WORKED_OUT`` makes
    them.
    """
    values = {name: f'{row}."{column}"' for name, column in _NAMES.items()}
    workspace = values["workspace_id"] if tables.has_workspaces else "NULL"
    values["workspace_id"] = f"nullif({workspace}, '')"
    values["session_id"] = _cut(values["session_id"])
    of_data = sqlite_error_of(f'{row}."executionData"')
    return {
        **values,
        "error": f"CASE WHEN {values['state']} <> 'INPROGRESS' THEN {of_data} END",
        "times": _times(row),
    }


def _cut(value: str) -> str:
    """Return an expression for a value, or in place of one that is too long for a short such one.

    Whoever starts a flow may name its session, and each copy of a text of megabytes takes long.
    """
    too_long = f"CAST(zeroblob({LONGEST_TEXT_BYTES + 1}) AS TEXT)"
    return f"CASE WHEN {_is_too_long(value)} THEN {too_long} ELSE {value} END"


def _is_too_long(value: str) -> str:
    return f"length(CAST({value} AS BLOB)) > {LONGEST_TEXT_BYTES}"


def _is_not_utf8(value: str) -> str:
    is_ascii = f"{value} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
    return f"NOT ({is_ascii}) AND {sqlite_not_utf8(value)}"


def _any_text(condition: str) -> str:
    return " OR ".join(condition.format(name) for name in _TEXTS)


_IS_NO_TEXT = _any_text("typeof({}) NOT IN ('text', 'null')")
_IS_TOO_LONG = _any_text(_is_too_long("{}"))
_WHICH = "one of its id, agentflowId, sessionId and workspaceId"
_RANGE = f"BETWEEN {EARLIEST_MS} AND {LATEST_MS}"
_DATES = {"created_on": "createdDate", "updated_on": "updatedDate", "stopped_on": "stoppedDate"}
WORKED_OUT = {
    **{name: f"json_extract(times, '$[{number}]')" for number, name in enumerate(_DATES)},
    "texts": " || char(1) || ".join(f"coalesce({name}, '')" for name in _TEXTS),
}
"""Expressions for the times in ``times``, which are epoch milliseconds, and for all texts.

``REASON`` needs them.
"""
# Flowise tells when it stopped an execution, and of no other state when it came into it.
FINISHED = (
    f"CASE WHEN state = 'STOPPED' AND stopped_on {_RANGE} THEN stopped_on"
    " WHEN state <> 'INPROGRESS' THEN updated_on END"
)
"""When an execution that has been read came into its state; see ``finished``."""
# Null is a session or a workspace that an execution does not have.
REASON = (
    "CASE WHEN guid = '' THEN 'its id is empty'"
    " WHEN agentflow_id IS NULL THEN 'its agentflowId is null'"
    f" WHEN {_IS_NO_TEXT} THEN '{_WHICH} is no text' WHEN {_IS_TOO_LONG}"
    f" THEN '{_WHICH} is longer than {LONGEST_TEXT_BYTES} bytes'"
    f" WHEN instr(texts, char(0)) > 0 THEN '{_WHICH} has a null character in it'"
    f" WHEN {_is_not_utf8('texts')} THEN '{_WHICH} is not UTF-8'"
    f" WHEN coalesce(state, '') NOT IN ({_STATES}) THEN 'its state is none of the six'"
    " WHEN created_on IS NULL THEN 'its createdDate can''t be read as a time'"
    f" WHEN created_on NOT {_RANGE} THEN 'its createdDate is outside the years 1 to 9999'"
    " WHEN updated_on IS NULL THEN 'its updatedDate can''t be read as a time'"
    f" WHEN updated_on NOT {_RANGE} THEN 'its updatedDate is outside the years 1 to 9999' END"
)
"""Why an execution that has been read can't be taken over; null if it can be."""


def reason(tables: FlowiseTables, row: str) -> str:
    """Return an expression that says why an execution in a row can't be taken over.

    It is null if the execution can be. It does not read ``executionData``.
    """
    values = read(tables, row)
    del values["error"]
    rows = f"SELECT *, {named(WORKED_OUT)} FROM (SELECT {named(values)} LIMIT 1) LIMIT 1"
    return f"(SELECT {REASON} FROM ({rows}))"


def named(values: Mapping[str, str]) -> str:
    """Return expressions as the columns of a SELECT, by their names."""
    return ", ".join(f"{value} AS {name}" for name, value in values.items())


def finished(taken: str, kept: str) -> str:
    """Return an expression for the end of an execution, which has or had a state.

    That is when it came into its state. Flowise's row tells it of STOPPED alone, so of the other
    states what is kept holds.
    """
    return (
        f"CASE WHEN {taken}.state = {kept}.state AND {taken}.state <> 'STOPPED'"
        f" THEN coalesce({kept}.finished_on, {taken}.finished_on) ELSE {taken}.finished_on END"
    )


def differs(taken: str, kept: str) -> str:
    """Return a condition: whether what is taken over is not what was kept."""
    names = (*ALWAYS, "workspace_id", "error")
    one = ", ".join(f"{taken}.{name}" for name in names)
    other = ", ".join(f"{kept}.{name}" for name in names)
    end = f"{kept}.finished_on IS NOT {finished(taken, kept)}"
    return f"(({one}) IS NOT ({other}) OR {end})"


def flow_values(row: str) -> dict[str, str]:
    """Return expressions for the columns of an agentflow that a row of Flowise's is.

    A name that can't be taken over is null; the id must be one that can be.
    """
    name = f'{row}."name"'
    return {"id": f'{row}."id"', "name": f"CASE WHEN {_is_text(name)} THEN {name} END"}


def is_flow(row: str) -> str:
    """Return a condition: whether the id of a flow can be taken over."""
    return _is_text(f'{row}."id"')


def _is_text(value: str) -> str:
    return (
        f"(typeof({value}) = 'text' AND length(CAST({value} AS BLOB)) <= {LONGEST_TEXT_BYTES}"
        f" AND instr({value}, char(0)) = 0 AND NOT ({_is_not_utf8(value)}))"
    )


def _times(row: str) -> str:
    """Return an expression for a JSON list of a row's times, in the order of ``_DATES``.

    They are epoch milliseconds, cut off, and null if one can't be read. A text is in UTC if it has
    no offset, as SQLite and TypeORM write it. A number is in epoch milliseconds, as the driver
    writes a date of JavaScript. As a list, so that SQLite compiles once how a time is read.
    """
    values = " UNION ALL SELECT ".join(f'{row}."{name}"' for name in _DATES.values())
    return (
        "(SELECT json_group_array(CASE typeof(value) WHEN 'integer' THEN value"
        " WHEN 'real' THEN CASE WHEN abs(value) < 1e15 THEN CAST(value AS INTEGER) END"
        f" WHEN 'text' THEN ({_time_of_text('value')}) END)"
        f" FROM (SELECT {values.replace(' UNION', ' AS value UNION', 1)} LIMIT -1))"
    )


def _time_of_text(value: str) -> str:
    # A day that there is not comes out as another one.
    is_time = "at = datetime(at, '+0 seconds') AND mark IN (' ', 'T', 't')"
    is_zone = "zone IN ('', 'Z', 'z') OR zone GLOB '[+-][0-9][0-9]:[0-9][0-9]'"
    fraction = "CAST(round(('0' || substr(rest, 1, 4)) * 1000) AS INTEGER)"
    milliseconds = f"CASE WHEN has_fraction THEN {fraction} ELSE 0 END"
    # The sign makes 1 or -1; no zone, and Z, are 0.
    offset = "(substr(zone, 1, 1) || 1) * (substr(zone, 2, 2) * 60 + substr(zone, 5, 2)) * 60000"
    # The limits keep SQLite from compiling each value at each place where it is used.
    return (
        f"SELECT CASE WHEN {is_time} AND ({is_zone})"
        f" THEN strftime('%s', at) * 1000 + {milliseconds} - {offset} END"
        " FROM (SELECT at, mark, rest, has_fraction, CASE WHEN has_fraction"
        " THEN ltrim(substr(rest, 2), '0123456789') ELSE rest END AS zone"
        f" FROM (SELECT substr({value}, 1, 10) || ' ' || substr({value}, 12, 8) AS at,"
        f" substr({value}, 11, 1) AS mark, substr({value}, 20) AS rest,"
        f" substr({value}, 20) GLOB '.[0-9]*' AS has_fraction LIMIT 1) LIMIT 1)"
    )
