"""Every filter and every page that is written down is answered as the reference does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from db.source import ExecutionRow
from tests.filter_cases import CASES
from tests.gateway import running_gateway
from tests.places import Place
from tests.reference.comparing import NO_LIMITS, ORDERS, Comparison
from tests.reference.request import Request
from tests.reference.rows import VALID, fill

TOO_LONG = """mutation ($guid: ID!, $state: ExecutionState!) {
  a: updateExecution(guid: $guid, input: {state: $state}) { ...changed }
  b: updateExecution(guid: "nobody", input: {state: $state}) { __typename }
}
fragment changed on UpdateExecutionSuccess {
  execution { state agentflow { id stats { timeline(bucket: HOUR) { start } } } }
}"""
FILTERED = """query ($filter: ExecutionFilter) {
  executions(filter: $filter, first: 40) { totalCount edges { cursor node { guid } } }
}"""


@pytest.fixture(scope="module")
def comparison(new_place: Callable[[], Place]) -> Iterator[Comparison]:
    place = new_place()
    fill(place, VALID)
    sdl = Path("schema/schema.graphql").read_text()
    with running_gateway(place, **{**NO_LIMITS, "max_ids": 1000}) as gateway:
        opened = Comparison(gateway, sdl, VALID)
        opened.reference.table.max_ids = 1000
        yield opened


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_filter_is_answered_as_the_reference_does(comparison: Comparison, case: Any) -> None:
    comparison.check(Request(FILTERED, {"filter": case.graphql}))


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize(
    ("size", "cursor", "end"), [("first", "after", "endCursor"), ("last", "before", "startCursor")]
)
def test_every_page_is_answered_as_the_reference_does(
    comparison: Comparison, order: Any, size: str, cursor: str, end: str
) -> None:
    query = f"""query ($cursor: String, $order: [ExecutionOrder!]) {{
      executions({size}: 7, {cursor}: $cursor, orderBy: $order) {{
        edges {{ cursor node {{ guid }} }}
        pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }}
      }}
    }}"""
    position: str | None = None
    for _ in range(len(VALID) // 7 + 1):
        told = comparison.check(Request(query, {"cursor": position, "order": order}))
        position = told["data"]["executions"]["pageInfo"][end]


@pytest.mark.parametrize(
    "row", [row for row in VALID if row.agentflow_id == "stra\u00dfe"], ids=str
)
def test_a_change_whose_timeline_is_too_long_is_answered_as_the_reference_does(
    comparison: Comparison, row: ExecutionRow
) -> None:
    for state in ("TIMEOUT", "STOPPED"):
        comparison.check(Request(TOO_LONG, {"guid": row.guid, "state": state}))
    comparison.restore()
