"""Statements that Flowise, and programs beside it, may run on its tables in PostgreSQL."""

from hypothesis import strategies as st

from db.models import ExecutionState
from tests.db.flowise.drawn_assignments import assignments
from tests.db.flowise.postgres import identity

IDS = [identity(number) for number in range(5)]
FLOWS = [identity(900 + number) for number in range(3)]
_FAILED = '[{"status":"ERROR","data":{"error":"no such model"}}]'
_STATES = [f"'{state}'" for state in ExecutionState]
_IDS = [f"'{id_}'" for id_ in IDS]
_VALUES = {
    "id": (_IDS, _IDS),
    "executionData": (["'[]'", f"'{_FAILED}'"], ["'\"ERROR\"'", "''"]),
    "state": (_STATES, ["'PAUSED'", "'finished'", "''"]),
    "agentflowId": ([f"'{flow}'" for flow in FLOWS], [f"'{identity(999)}'"]),
    "sessionId": (
        ["'session-a'", "'session-b'"],
        ["''", "'Ä日本'", "repeat('ä', 1000)", "repeat('ä', 1001)"],
    ),
    "createdDate": (
        ["now()", "'2025-10-05 01:47:19'", "'2025-10-05 01:47:20.1259'"],
        [
            "'infinity'",
            "'-infinity'",
            "'0044-03-15 12:00:00 BC'",
            "'0001-01-03 00:00:00'",
            "'9999-12-29 23:59:59.9999'",
            "'10000-01-01'",
            "'1969-12-31 23:59:59.9995'",
        ],
    ),
    "stoppedDate": (["NULL", "'2025-10-05 01:47:19.5'"], ["'infinity'", "'0044-03-15 BC'"]),
    "workspaceId": (["NULL", "(SELECT min(id::text)::uuid FROM workspace)"], ["NULL"]),
}
_VALUES["updatedDate"] = _VALUES["createdDate"]
_COLUMNS = sorted(_VALUES)
_NAMES = ", ".join(f'"{column}"' for column in _COLUMNS)
_ALL_EXCLUDED = ", ".join(f'"{column}" = excluded."{column}"' for column in _COLUMNS)


@st.composite
def _values(draw: st.DrawFn, columns: list[str]) -> list[str]:
    """Values of which one may be odd: with more of them, hardly a row could be taken over."""
    odd = draw(st.sampled_from([*columns, *(None for _ in columns)]))
    return [draw(st.sampled_from(_VALUES[name][name == odd])) for name in columns]


@st.composite
def _where(draw: st.DrawFn, column: str = "id") -> str:
    ids = draw(st.lists(st.sampled_from(_IDS), max_size=3))
    return f"WHERE {column} IN ({', '.join(ids)})" if ids else ""


@st.composite
def _rows(draw: st.DrawFn) -> str:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(_IDS), _values([c for c in _COLUMNS if c != "id"])),
            min_size=1,
            max_size=3,
            unique_by=lambda row: row[0],
        )
    )
    place = _COLUMNS.index("id")
    written = ([*values[:place], id_, *values[place:]] for id_, values in rows)
    return ", ".join(f"({', '.join(row)})" for row in written)


@st.composite
def _of_flowise(draw: st.DrawFn) -> str:
    where, set_to, rows = draw(_where()), draw(assignments(_COLUMNS, _values)), draw(_rows())
    one = draw(st.sampled_from(_IDS))
    insertion = f"INSERT INTO execution ({_NAMES}) VALUES {rows}"
    return draw(
        st.sampled_from(
            [
                insertion,
                f"{insertion} ON CONFLICT DO NOTHING",
                f"{insertion} ON CONFLICT (id) DO UPDATE SET {_ALL_EXCLUDED}",
                f'{insertion} ON CONFLICT (id) DO UPDATE SET "state" = excluded."state"',
                f"UPDATE execution SET {set_to} {where}",
                f"UPDATE execution SET {set_to} {where}",
                f"UPDATE execution SET {set_to} WHERE id = {one} RETURNING *",
                f"DELETE FROM execution {where}",
                # The same row in two parts of one statement.
                (
                    f"WITH gone AS (DELETE FROM execution {where} RETURNING *)"
                    f" INSERT INTO execution ({_NAMES}) SELECT {_NAMES} FROM gone"
                ),
                (
                    f"WITH new AS ({insertion} ON CONFLICT DO NOTHING RETURNING id)"
                    f" UPDATE execution SET {set_to} WHERE id NOT IN (SELECT id FROM new)"
                ),
                (
                    f"WITH gone AS (DELETE FROM execution WHERE id = {one})"
                    f" UPDATE execution SET {set_to} {where}"
                ),
                (
                    f"MERGE INTO execution USING (VALUES {rows}) AS given ({_NAMES})"
                    " ON execution.id = given.id::uuid"
                    " WHEN MATCHED AND execution.state = 'ERROR' THEN DELETE"
                    " WHEN MATCHED THEN UPDATE SET state = given.state,"
                    ' "updatedDate" = given."updatedDate"::timestamp'
                    ' WHEN NOT MATCHED THEN INSERT (id, "executionData", state, "agentflowId",'
                    " \"sessionId\") VALUES (given.id::uuid, '[]', given.state,"
                    ' given."agentflowId"::uuid, given."sessionId")'
                ),
                "TRUNCATE execution",
            ]
        )
    )


@st.composite
def _of_flows(draw: st.DrawFn) -> str:
    flow = draw(st.sampled_from(_VALUES["agentflowId"][0]))
    name = draw(st.sampled_from(["'Support'", "'Sales'", "''"]))
    workspace = draw(st.sampled_from(_VALUES["workspaceId"][0]))
    insertion = (
        'INSERT INTO chat_flow (id, name, "flowData", "workspaceId")'
        f" VALUES ({flow}, {name}, '{{}}', {workspace})"
    )
    return draw(
        st.sampled_from(
            [
                f"{insertion} ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                f"{insertion} ON CONFLICT DO NOTHING",
                f"UPDATE chat_flow SET name = {name} WHERE id = {flow}",
                f"UPDATE chat_flow SET id = {flow} WHERE name = {name}",
                f'UPDATE chat_flow SET "workspaceId" = {workspace}',
                f"DELETE FROM chat_flow WHERE id = {flow}",
                "TRUNCATE chat_flow",
            ]
        )
    )


@st.composite
def _of_gateway(draw: st.DrawFn) -> str:
    """What the gateway, and engines, write in ``executions``."""
    where, state = draw(_where("guid")) or "WHERE true", draw(st.sampled_from(_STATES))
    moment = draw(st.integers(0, 4 * 10**12))
    return draw(
        st.sampled_from(
            [
                f"UPDATE executions SET state = {state} {where}",
                (
                    f"UPDATE executions SET state = {state}, updated_on = {moment} {where}"
                    f" AND state <> {state}"
                ),
                f"DELETE FROM executions {where}",
                (
                    f"WITH gone AS (DELETE FROM executions WHERE state = {state})"
                    f" UPDATE executions SET state = {state} {where}"
                ),
            ]
        )
    )


def statements() -> st.SearchStrategy[str]:
    """What is written on both sides, and the ends of transactions."""
    ends = st.sampled_from(
        [
            "BEGIN",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "SAVEPOINT one",
            "ROLLBACK TO one",
            "COMMIT",
            "COMMIT",
            "ROLLBACK",
        ]
    )
    return st.one_of(_of_flowise(), _of_flowise(), _of_gateway(), _of_flows(), ends)
