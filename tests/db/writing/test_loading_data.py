"""The data of executions is loaded with them."""

import json
from typing import Any

import pytest

from db.database import Database
from db.writing.loading import LoadedExecution, load
from tests.gateway import run_sql
from tests.places import Place
from tests.sample import START

pytestmark = pytest.mark.anyio

FAILED = '[{"status":"ERROR","data":{"error":"no model"}}]'


def _execution(guid: str, **values: Any) -> tuple[LoadedExecution, None]:
    row = LoadedExecution(None, guid, "flow-1", None, "ERROR", START, START + 5)
    return row._replace(**values), None


def _contents(place: Place) -> dict[str, tuple[str | None, str | None, str | None]]:
    rows = run_sql(
        place,
        "SELECT guid, workspace_id, data, error FROM executions"
        " LEFT JOIN execution_data ON execution_id = id",
    )
    return {guid: (workspace, data, error) for guid, workspace, data, error in rows}


async def test_data_and_workspaces_stay_where_none_are_given(
    place: Place, database: Database
) -> None:
    given = {"workspace_id": "w-1", "data": FAILED, "error": "no model"}
    await load(database, [_execution("g-1", **given), _execution("g-2", data="[]")])
    assert _contents(place) == {"g-1": ("w-1", FAILED, "no model"), "g-2": (None, "[]", None)}
    await load(database, [_execution("g-1"), _execution("g-2", **given)])
    assert _contents(place) == dict.fromkeys(["g-1", "g-2"], ("w-1", FAILED, "no model"))
    await load(database, [_execution("g-1", workspace_id="w-2", data="[]")])
    assert _contents(place)["g-1"] == ("w-2", "[]", None)


async def test_data_leaves_the_times_of_its_execution_alone(
    place: Place, database: Database
) -> None:
    given = {"data": FAILED, "error": "no model", "finished_on": START + 3}
    for _ in range(2):
        await load(database, [_execution("g-1", **given)])
        times = "SELECT updated_on, finished_on FROM executions"
        assert run_sql(place, times) == [(START + 5, START + 3)]


async def test_large_data_is_loaded_a_few_rows_at_a_time(database: Database) -> None:
    loaded: list[int] = []
    large = json.dumps(["x" * 6 * 2**20])
    await load(database, [_execution(f"g-{n}", data=large) for n in range(7)], loaded.append)
    assert loaded == [3, 6, 7]
