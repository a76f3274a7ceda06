"""Executions as odd as tables can hold them, and how they are written there."""

from collections.abc import Sequence

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LARGEST_ID, ExecutionState
from db.source import ExecutionRow
from tests.places import Place, SQLitePlace
from tests.reference import contents
from tests.reference.texts import stored
from tests.sample import SAMPLE, START, as_kept

_NAMES = {
    "": "",
    "flow-a": "Support agent",
    "FLOW-A": "SUPPORT AGENT",
    "straße": "Straße",
    "STRASSE": "STRASSE",
    "caf\u00e9": "Caf\u00e9 \u00c5",
    "cafe\u0301": "cafe\u0301 A\u030a",
    "sigma": "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3 \u03c3\u03c2",
    "dotless": "\u0130stanbul I\u0131i",
    "ligature": "\ufb01n \ufb03 \u01c5",
    "hangul": "\u1112\u1161\u11ab \ud55c",
    "emoji": "\U0001f469\u200d\U0001f680 \U0001f600",
    "private": "\uffff \ue000",
    "wild": "%_\\'\"*?[a-z]",
    "blank": " \t\n ",
    "gone": None,
    "GONE": None,
}
_GUIDS = [
    "",
    "GUID-07",
    "7",
    "caf\u00e9",
    "cafe\u0301",
    "\U0001f600",
    "\uffff",
    "%",
    "a'b\"c\\",
    " ",
]
_TIMES = [START, START, START + 1000, EARLIEST_MS, LATEST_MS, 0, -1, 1, START, LATEST_MS - 1]
_IDS = [-LARGEST_ID, LARGEST_ID, -1, -2, LARGEST_ID - 1, 100, 99, -100]


def _rows(names: dict[str, str | None], guids: list[str]) -> list[ExecutionRow]:
    flows, states = list(names), list(ExecutionState)
    rows = [
        ExecutionRow(
            id=_IDS[number] if number < len(_IDS) else 1000 - number,
            guid=guids[number] if number < len(guids) else f"odd-{number % 5}-{number}",
            agentflow_id=(flow := flows[number % len(flows)]),
            agentflow_name=names[flow],
            session_id=[None, "", flow, "SESSION-1", "session-1"][number % 5],
            state=states[number % 4].value,
            created_on=_TIMES[number % len(_TIMES)],
            updated_on=_TIMES[number * 3 % len(_TIMES)],
            finished_on=_TIMES[number * 7 % len(_TIMES)],
            workspace_id=[None, "", flow, "WORKSPACE-1", "workspace-1", None, None][number % 7],
            error=None if number % 3 else names[flow],
        )
        for number in range(max(len(flows), len(guids)) + 7)
    ]
    return [as_kept(row) for row in rows]


def _with_contents(rows: list[ExecutionRow]) -> list[ExecutionRow]:
    """Rows whose error is that of what is written for them, in which no step has failed."""
    return [row if contents.written(row.id) is None else row._replace(error=None) for row in rows]


AS_WRITTEN = _with_contents(SAMPLE)
"""The sample as it is once what their engines left of them is written, too."""
VALID = _with_contents(AS_WRITTEN + _rows(_NAMES, _GUIDS))
"""What the database accepts."""
_LATELY = [START + hours * 3_600_000 + number for number, hours in enumerate([0, 1, 1, 25, 700])]
LATELY = AS_WRITTEN + [
    row._replace(
        created_on=_LATELY[number % len(_LATELY)],
        duration_ms=None
        if row.finished_on is None
        else row.finished_on - _LATELY[number % len(_LATELY)],
    )
    for number, row in enumerate(VALID[len(AS_WRITTEN) :])
]
"""The same, all created within a month, so that timelines are short."""
_BROKEN = [
    "caf\udce9",
    "caf\udce8\udce7",
    "caf\udce8",
    "\udced\udca0\udc80",
    "\udcf0\udc9f",
    "\udcff\udcfe",
    "a\0b",
    "a\0",
    "plain",
    "caf\ufffd",
    "caf\ufffd z",
    "\U0001f600",
]
BROKEN = _with_contents(
    AS_WRITTEN[:6] + _rows({f"{each}": f"Name {each}" for each in _BROKEN}, _BROKEN)
)
"""What a table may have from before the database refused it (SQLite alone)."""


MORE_FLOWS = {"idle": "Idle agent", "IDLE": "idle AGENT", "twin": "Idle agent", "unnamed": None}
"""Agentflows that have no execution."""


def flows_of(rows: Sequence[ExecutionRow]) -> dict[str, str | None]:
    """The agentflows that ``fill`` writes for some executions, by their ids."""
    named = {row.agentflow_id: row.agentflow_name for row in rows if row.agentflow_name is not None}
    return {**named, **MORE_FLOWS}


def fill(place: Place, rows: Sequence[ExecutionRow]) -> None:
    """Write executions, and the agentflows that are not there yet."""
    text = "CAST(? AS TEXT)" if isinstance(place, SQLitePlace) else "?"

    def written(value: str | None) -> object:
        is_bytes = value is not None and isinstance(place, SQLitePlace)
        return stored(value) if is_bytes and value is not None else value

    place.run(
        "INSERT INTO executions"
        " (id, guid, agentflow_id, session_id, state, created_on, updated_on, finished_on,"
        f" workspace_id, error) VALUES (?, {text}, {text}, {text}, ?, ?, ?, ?, {text}, {text})",
        [
            (
                row.id,
                written(row.guid),
                written(row.agentflow_id),
                written(row.session_id),
                row.state,
                row.created_on,
                row.updated_on,
                row.finished_on,
                written(row.workspace_id),
                written(row.error),
            )
            for row in rows
        ],
    )
    place.run(
        "INSERT INTO execution_data VALUES (?, ?) ON CONFLICT (execution_id) DO NOTHING",
        [(row.id, left) for row in rows if (left := contents.written(row.id)) is not None],
    )
    place.run(
        f"INSERT INTO agentflows (id, name) VALUES ({text}, {text}) ON CONFLICT (id) DO NOTHING",
        [(written(flow), written(name)) for flow, name in flows_of(rows).items()],
    )


def allow_anything(place: Place) -> None:
    """Let a file of SQLite take what it took once."""
    checks = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%checked%'"
    for (name,) in place.run(checks, [()]):
        place.run(f"DROP TRIGGER {name}", [()])
