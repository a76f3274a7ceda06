"""Statements that Flowise, and programs beside it, may run on its tables in SQLite.

Drawn by hypothesis, with values that the columns can hold and Flowise never writes.
"""

from hypothesis import strategies as st

from db.models import LONGEST_TEXT_BYTES, ExecutionState
from tests.db.flowise.drawn_assignments import assignments
from tests.flowise_tables import WORKSPACES

IDS = [f"'execution-{number}'" for number in range(5)]
FLOWS = ["'flow-a'", "'flow-b'", "'flow-c'"]
_ODD_TEXTS = [
    "''",
    "'Ä日本'",
    "X'00FF'",
    "CAST(X'C3' AS TEXT)",
    "CAST(X'EDA080' AS TEXT)",
    "'a' || char(0) || 'b'",
    f"printf('%.{LONGEST_TEXT_BYTES}c', 'x')",
    f"printf('%.{LONGEST_TEXT_BYTES + 1}c', 'x')",
    "17",
    "1.5",
]
_FAILED = '[{"status":"ERROR","data":{"error":"no such model"}}]'
_VALUES = {
    "id": (IDS, _ODD_TEXTS),
    "executionData": (
        ["'[]'", f"'{_FAILED}'"],
        ["'\"ERROR\"'", "X'FF'", "CAST(X'5BC3' AS TEXT)", f"'{_FAILED}' || char(0)", "0"],
    ),
    "state": (
        [f"'{state}'" for state in ExecutionState],
        ["'PAUSED'", "'finished'", "''", "X'45'", "1"],
    ),
    "agentflowId": (FLOWS, _ODD_TEXTS),
    "sessionId": (["'session-a'", "'session-b'"], _ODD_TEXTS),
    "createdDate": (
        ["datetime('now')", "'2025-10-05 01:47:19'", "'2025-10-05 01:47:20.125'"],
        [
            "'2025-10-05T01:47:19.1259Z'",
            "'2025-10-05 01:47:19.1+05:30'",
            "'2025-10-05 01:47:19-00:01'",
            "'0001-01-01 00:00:00'",
            "'0001-01-01 00:00:00+00:01'",
            "'9999-12-31 23:59:59.999'",
            "'9999-12-31 23:59:59.999-00:01'",
            "'0000-12-31 23:59:59'",
            "'2025-02-30 00:00:00'",
            "'2025-10-05 24:00:00'",
            "'2025-10-05 01:47'",
            "'2025-10-05 01:47:19.'",
            "'2025-10-05 01:47:19.5Zz'",
            "'now'",
            "''",
            "X'00'",
            "1759628839000",
            "1759628839000.5",
            "9e300",
            "-62135596800000",
            "-62135596800001",
        ],
    ),
    "stoppedDate": (["NULL", "'2025-10-05 01:47:19.5'"], ["'never'", "253402300800000", "5"]),
    "workspaceId": ([f"'{name}'" for name in WORKSPACES], ["NULL"]),
}
_VALUES["updatedDate"] = _VALUES["createdDate"]
COLUMNS = sorted(_VALUES)
_ORS = st.sampled_from(["", "", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT", "OR ROLLBACK"])


def _value(column: str) -> st.SearchStrategy[str]:
    usual, odd = _VALUES[column]
    return st.sampled_from(usual) | st.sampled_from(odd)


@st.composite
def _values(draw: st.DrawFn, columns: list[str]) -> list[str]:
    """Values of which one may be odd: with more of them, hardly a row could be taken over."""
    odd = draw(st.sampled_from([*columns, *(None for _ in columns)]))
    return [
        draw(_value(column) if column == odd else st.sampled_from(_VALUES[column][0]))
        for column in columns
    ]


@st.composite
def _row(draw: st.DrawFn) -> str:
    return f"({', '.join(draw(_values(COLUMNS)))})"


_NAMES = ", ".join(f'"{column}"' for column in COLUMNS)
_ALL_EXCLUDED = ", ".join(f'"{column}" = excluded."{column}"' for column in COLUMNS)
_UPSERTS = st.sampled_from(
    [
        "",
        "",
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (id) DO NOTHING",
        f"ON CONFLICT (id) DO UPDATE SET {_ALL_EXCLUDED}",
        'ON CONFLICT (id) DO UPDATE SET "state" = excluded."state"',
    ]
)


@st.composite
def _insert(draw: st.DrawFn) -> str:
    rows = ", ".join(draw(st.lists(_row(), min_size=1, max_size=3)))
    verb = draw(st.sampled_from(["INSERT", "INSERT", "REPLACE"]))
    or_ = draw(_ORS) if verb == "INSERT" else ""
    upsert = draw(_UPSERTS) if verb == "INSERT" else ""
    return f"{verb} {or_} INTO execution ({_NAMES}) VALUES {rows} {upsert}"


@st.composite
def _update(draw: st.DrawFn) -> str:
    set_to = draw(assignments(COLUMNS, _values))
    return f"UPDATE {draw(_ORS)} execution SET {set_to} {draw(_where())}"


@st.composite
def _where(draw: st.DrawFn) -> str:
    ids = draw(st.lists(_value("id"), max_size=3))
    return f"WHERE id IN ({', '.join(ids)})" if ids else ""


@st.composite
def _of_flow(draw: st.DrawFn) -> str:
    flow, name = draw(_value("agentflowId")), draw(_value("sessionId"))
    workspace = draw(_value("workspaceId"))
    columns = '"id", "name", "flowData", "workspaceId"'
    return draw(
        st.sampled_from(
            [
                f"INSERT INTO chat_flow ({columns}) VALUES ({flow}, {name}, '{{}}', {workspace})",
                f"REPLACE INTO chat_flow ({columns}) VALUES ({flow}, {name}, '{{}}', {workspace})",
                f'UPDATE chat_flow SET "name" = {name}, "workspaceId" = {workspace}',
                f'UPDATE OR REPLACE chat_flow SET "id" = {flow}',
                f"DELETE FROM chat_flow WHERE id = {flow}",
            ]
        )
    )


def statements() -> st.SearchStrategy[str]:
    """What Flowise runs on its tables, and what it does not."""
    deletion = _where().map(lambda where: f"DELETE FROM execution {where}")
    ends = st.sampled_from(["BEGIN", "COMMIT", "ROLLBACK"])
    return st.one_of(_insert(), _insert(), _update(), _update(), deletion, _of_flow(), ends)
