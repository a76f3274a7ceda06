"""Changes of all executions that match a filter find them by index, once, and change them by id."""

from typing import Any

import pytest

from db.database import Database
from db.executions import Executions
from db.instants import from_ms
from db.models import ExecutionState
from db.reading.filters import AllOf, Condition, Filter, Not
from db.writing.batches import Bounds
from tests.gateway import insert
from tests.places import Place, file_of
from tests.sample import SAMPLE, START
from tests.statements import plan_of, recorded_statements

# The plans of SQLite.
pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ERROR = Condition("state", "eq", "ERROR")
STATES = Condition("state", "in", ("ERROR", "STOPPED"))
NAME = Condition("agentflow_name", "contains", "agent", ignore_case=True)
EARLY = Condition("created_on", "lt", from_ms(START + 5000))
SESSION = Condition("session_id", "eq", "session-1")
INDEXED: dict[str, tuple[Filter, str]] = {
    "a state": (ERROR, "executions_by_state_created_on (state=?)"),
    "a state before a time": (
        AllOf((ERROR, EARLY)),
        "executions_by_state_created_on (state=? AND created_on<?)",
    ),
    "states before a time": (
        AllOf((STATES, EARLY)),
        "executions_by_state_created_on (state=? AND created_on<?)",
    ),
    "a time": (EARLY, "executions_by_created_on (created_on<?)"),
    "a name": (NAME, "executions_by_agentflow_state_created_on (agentflow_id=?)"),
    "a name before a time": (
        AllOf((NAME, EARLY)),
        "executions_by_agentflow_created_on (agentflow_id=? AND created_on<?)",
    ),
    "a session": (SESSION, "executions_by_session_created_on (session_id=?)"),
    "a guid": (Condition("guid", "eq", "guid-07"), "sqlite_autoindex_executions_1 (guid=?)"),
}
UNINDEXED: Filter = Not(AllOf((NAME, SESSION)))


def _row(number: int) -> Any:
    return SAMPLE[0]._replace(id=number, guid=f"g-{number}", session_id="session-1")


@pytest.mark.parametrize("name", INDEXED)
async def test_what_matches_is_found_by_index(database: Database, place: Place, name: str) -> None:
    insert(place, SAMPLE)
    filter_, expected = INDEXED[name]
    with recorded_statements() as statements:
        await Executions(database).delete_matching(filter_)
    [found] = [each for each in statements if "gateway_packed" in each]
    steps = [step for step in plan_of(file_of(place), found) if "executions" in step]
    assert [step.replace("COVERING ", "") for step in steps] == [
        f"SEARCH executions USING INDEX {expected}"
    ]


@pytest.mark.parametrize("filter_", [UNINDEXED, *(each for each, _ in INDEXED.values())], ids=str)
async def test_batches_change_by_id_and_never_search_anew(
    database: Database, place: Place, filter_: Filter
) -> None:
    insert(place, [*SAMPLE, *(_row(number) for number in range(100, 400))])
    batches: list[int] = []
    bounds = Bounds(on_batch=batches.append)
    executions = Executions(database)
    with recorded_statements() as statements:
        await executions.update_matching(filter_, ExecutionState.TIMEOUT, bounds=bounds)
        await executions.delete_matching(filter_, bounds=bounds)
    frozen = [each for each in statements if "gateway_packed" in each]
    assert len(frozen) == 2
    changing = [each for each in statements if "json_each" in each and each not in frozen]
    assert changing
    for statement in changing:
        steps = [step for step in plan_of(file_of(place), statement) if "executions" in step]
        assert steps == ["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]


async def test_what_the_counts_can_tell_needs_no_rows_for_a_preview(
    database: Database, place: Place
) -> None:
    insert(place, SAMPLE)
    executions = Executions(database)
    with recorded_statements() as statements:
        await executions.would_delete_matching(AllOf((STATES, NAME)), limit=3)
        await executions.would_update_matching(STATES, ExecutionState.STOPPED)
    assert len(statements) == 3
    assert not any("FROM executions" in each for each in statements)
