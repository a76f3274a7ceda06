"""Every filter and every page that is written down is answered as the reference does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.filter_cases import CASES
from tests.gateway import running_gateway
from tests.places import Place
from tests.reference.comparing import NO_LIMITS, ORDERS, Comparison
from tests.reference.request import Request
from tests.reference.rows import VALID, fill

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
