"""How a row of Flowise's is read as an execution of the gateway's, as expressions of SQLite.

Triggers run them in Flowise's own program, so they use only what every SQLite has. They never fail,
whatever a row holds: columns of Flowise's may hold values of any type, and texts of any bytes.
"""

from db.contents.error_sql import sqlite_error_of
from db.contents.steps import MARK
from db.flowise.tables import FlowiseTables
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LONGEST_TEXT_BYTES, ExecutionState
from db.utf8_sql import sqlite_not_utf8

_STATES = ", ".join(f"'{state}'" for state in ExecutionState)
CONTENTS = ("agentflow_id", "session_id", "state", "created_on", "updated_on")
"""What an execution always has of Flowise's row, besides ``workspace_id`` and ``error``."""
COLUMNS = (*CONTENTS, "workspace_id", "error", "finished_on")
"""The columns of an execution that come from Flowise's row."""


_TEXTS = ("guid", "agentflow_id", "session_id", "workspace_id")
_NAMES = {
    "guid": "id",
    "agentflow_id": "agentflowId",
    "session_id": "sessionId",
    "workspace_id": "workspaceId",
    "state": "state",
}


def reason(tables: FlowiseTables, row: str) -> str:
    """Return an expression that says why an execution in a row can't be taken over.

    It is null if the execution can be.
    """
    read = ", ".join(f"{value} AS {name}" for name, value in _read(tables, row).items())
    return f"(SELECT {_REASON} FROM (SELECT {read} LIMIT 1))"


PROGRESS = ("executionData", "state", "updatedDate", "stoppedDate")
"""What Flowise changes of an execution as it goes on."""


def identity(tables: FlowiseTables) -> list[str]:
    """Return what Flowise changes of no execution, as its columns are named."""
    names = [name for name in _NAMES.values() if name != "state"]
    if not tables.has_workspaces:
        names.remove("workspaceId")
    return [*names, "createdDate"]


def error(row: str) -> str:
    """Return an expression for the error of an execution."""
    of_data = sqlite_error_of(f'{row}."executionData"')
    return f"CASE WHEN {row}.\"state\" <> 'INPROGRESS' THEN {of_data} END"


def new(tables: FlowiseTables, row: str) -> str:
    """Return a SELECT of ``guid`` and ``COLUMNS`` of a new row, but ``error``.

    It has no row if the execution can't be taken over, and not if that takes more than what Flowise
    inserts: times of other forms, long texts, an error, or a time of stopping.
    """
    values = _read(tables, row)
    values["created_on"] = _usual_time(f'{row}."createdDate"')
    values["updated_on"] = _usual_time(f"{row}.{_UPDATED}")
    read = ", ".join(f"{value} AS {name}" for name, value in values.items())
    columns = {name: name for name in ("guid", *COLUMNS) if name != "error"}
    columns["workspace_id"] = "nullif(workspace_id, '')"
    columns["finished_on"] = "CASE WHEN state <> 'INPROGRESS' THEN updated_on END"
    made = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return (
        f"SELECT {made} FROM (SELECT {read} LIMIT 1) WHERE guid <> '' AND agentflow_id IS NOT NULL"
        f" AND NOT ({_IS_NO_TEXT}) AND length(CAST(texts AS BLOB)) <= {LONGEST_TEXT_BYTES}"
        f" AND instr(texts, char(0)) = 0 AND NOT ({_is_not_utf8('texts')})"
        f" AND created_on {_RANGE} AND updated_on {_RANGE}"
        f" AND (state = 'INPROGRESS' OR state IN ({_STATES}) AND state <> 'STOPPED'"
        f" AND {row}.\"executionData\" NOT GLOB '*{MARK}*')"
    )


def progress(row: str) -> str:
    """Return a SELECT of ``state``, ``updated_on`` and ``finished_on`` of a row.

    It has no row if these can't be taken over, or have times of other forms than Flowise writes.
    """
    stopped = f"{row}.{_STOPPED}"
    return (
        f"SELECT state, updated_on, {_FINISHED} AS finished_on FROM"
        f' (SELECT {row}."state" AS state, {_usual_time(f"{row}.{_UPDATED}")} AS updated_on,'
        f" {_usual_time(stopped)} AS stopped_on LIMIT 1)"
        f" WHERE state IN ({_STATES}) AND updated_on {_RANGE}"
        f" AND (stopped_on IS NOT NULL OR {stopped} IS NULL OR state <> 'STOPPED')"
    )


def taken_over(tables: FlowiseTables, row: str, rest: str = "") -> str:
    """Return a SELECT of what the gateway makes of rows of Flowise's.

    It has ``row_id``, ``guid``, ``reason`` and ``COLUMNS``. ``rest`` follows the names of the
    columns, and ``row`` is a table in it, or the new row of a trigger.
    """
    values = _read(tables, row)
    values["row_id"] = f"{row}.rowid"
    values["error"] = error(row)
    values["stopped_on"] = _time(f"{row}.{_STOPPED}")
    read = ", ".join(f"{value} AS {name}" for name, value in values.items())
    columns = {name: name for name in COLUMNS}
    columns["workspace_id"] = "nullif(workspace_id, '')"
    columns["finished_on"] = _FINISHED
    made = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    # The limit keeps SQLite from working out each value at each place where it is used.
    return f"SELECT row_id, guid, {_REASON} AS reason, {made} FROM (SELECT {read}{rest} LIMIT -1)"


def _read(tables: FlowiseTables, row: str) -> dict[str, str]:
    """Return expressions for what is read of a row, by the names that ``_REASON`` has for it."""
    values = {name: f'{row}."{column}"' for name, column in _NAMES.items()}
    if not tables.has_workspaces:
        values["workspace_id"] = "NULL"
    texts = " || char(1) || ".join(f"coalesce({values[name]}, '')" for name in _TEXTS)
    return {
        **values,
        "texts": texts,
        "created_on": _time(f'{row}."createdDate"'),
        "updated_on": _time(f"{row}.{_UPDATED}"),
    }


def _is_not_utf8(value: str) -> str:
    is_ascii = f"{value} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
    return f"NOT ({is_ascii}) AND {sqlite_not_utf8(value)}"


def _any_text(condition: str) -> str:
    return " OR ".join(condition.format(name) for name in _TEXTS)


_IS_NO_TEXT = _any_text("typeof({}) NOT IN ('text', 'null')")
_IS_TOO_LONG = _any_text(f"length(CAST({{}} AS BLOB)) > {LONGEST_TEXT_BYTES}")
_WHICH = "one of its id, agentflowId, sessionId and workspaceId"
_RANGE = f"BETWEEN {EARLIEST_MS} AND {LATEST_MS}"
_UPDATED, _STOPPED = '"updatedDate"', '"stoppedDate"'
# Flowise tells when it stopped an execution, and of no other state when it came into it.
_FINISHED = (
    f"CASE WHEN state = 'STOPPED' AND stopped_on {_RANGE} THEN stopped_on"
    " WHEN state <> 'INPROGRESS' THEN updated_on END"
)
# Null is a session or a workspace that an execution does not have.
_REASON = (
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


def finished(taken: str, kept: str) -> str:
    """Return an expression for the end of an execution: as taken over, or as it was kept.

    An execution has ended when it came into its state. Flowise's row tells that of STOPPED only.
    """
    return (
        f"CASE WHEN {taken}.state IN ('INPROGRESS', 'STOPPED') OR {taken}.state <> {kept}.state"
        f" THEN {taken}.finished_on ELSE coalesce({kept}.finished_on, {taken}.finished_on) END"
    )


def differs(taken: str, kept: str) -> str:
    """Return a condition: whether what is taken over is not what was kept."""
    names = (*CONTENTS, "workspace_id", "error")
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


def _time(value: str) -> str:
    """Return an expression for a time in epoch milliseconds, cut off; null if it can't be read.

    A text is in UTC if it has no offset, as SQLite and TypeORM write it. A number is in epoch
    milliseconds, as the driver writes a date of JavaScript.
    """
    return (
        f"CASE typeof({value}) WHEN 'integer' THEN {value}"
        f" WHEN 'real' THEN CASE WHEN abs({value}) < 1e15 THEN CAST({value} AS INTEGER) END"
        f" WHEN 'text' THEN ({_time_of_text(value)}) END"
    )


def _usual_time(value: str) -> str:
    """Return the same for a text as Flowise writes it; null for all else."""
    # A day that there is not comes out as another one.
    forms = (f"strftime('{form}', {value}, '+0 seconds')" for form in _FORMS)
    return (
        f"CASE WHEN {value} IN ({', '.join(forms)})"
        f" THEN CAST(round((julianday({value}) - 2440587.5) * 86400000) AS INTEGER) END"
    )


_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%f")


def _time_of_text(value: str) -> str:
    # A day that there is not comes out as another one.
    is_time = "at = datetime(at, '+0 seconds') AND mark IN (' ', 'T', 't')"
    is_zone = "zone IN ('', 'Z', 'z') OR zone GLOB '[+-][0-9][0-9]:[0-9][0-9]'"
    offset = (
        "CASE substr(zone, 1, 1) WHEN '+' THEN -60000 WHEN '-' THEN 60000 ELSE 0 END"
        " * (substr(zone, 2, 2) * 60 + substr(zone, 5, 2))"
    )
    fraction = "CAST(round(('0' || substr(rest, 1, 4)) * 1000) AS INTEGER)"
    has_fraction = "rest GLOB '.[0-9]*'"
    return (
        f"SELECT CASE WHEN {is_time} AND ({is_zone}) THEN strftime('%s', at) * 1000"
        f" + CASE WHEN {has_fraction} THEN {fraction} ELSE 0 END + {offset} END"
        " FROM (SELECT at, mark, rest,"
        f" CASE WHEN {has_fraction} THEN ltrim(substr(rest, 2), '0123456789') ELSE rest END AS zone"
        f" FROM (SELECT substr({value}, 1, 10) || ' ' || substr({value}, 12, 8) AS at,"
        f" substr({value}, 11, 1) AS mark, substr({value}, 20) AS rest))"
    )
