"""Whatever a key of a workspace asks, it is answered as if there were nothing outside of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.agentflows import BY_NAME
from db.reading.cursors import encode_cursor
from db.reading.paging import Order, Term, position_of, total_order
from schema.node import global_id
from tests.examples import examples
from tests.places import Place
from tests.reference.comparing import NO_LIMITS
from tests.reference.drawing import DocumentDrawing
from tests.reference.values import Choices, pools_of
from tests.workspaces.selections import SCHEMA
from tests.workspaces.worlds import FLOWS, OTHER, OWN, ROWS, Worlds, running_worlds

_FIELDS = {"CREATED_ON": "created_on", "UPDATED_ON": "updated_on", "STATE": "state"}
_WORKSPACES = [OWN, OTHER, "nobody"]


@pytest.fixture(scope="module")
def worlds(new_place: Callable[[], Place]) -> Iterator[Worlds]:
    with running_worlds(new_place, **NO_LIMITS) as running:
        yield running


def _pools() -> dict[str, list[Any]]:
    ids = [
        *(global_id("Execution", row.guid) for row in ROWS),
        *(global_id("Agentflow", flow) for flow in FLOWS),
        *(global_id("Session", row.session_id) for row in ROWS if row.session_id),
    ]
    pools = pools_of(ROWS)
    for name in ("workspaceId", "workspaceId in", "workspaceId notIn"):
        pools[name] = _WORKSPACES
    for name in ("node id", "nodes ids"):
        pools[name] = [*ids, *pools[name]]
    return pools


def _cursors_in(order: Order) -> list[str]:
    return [encode_cursor(position_of(row, order), order) for row in ROWS]


_POOLS = _pools()
_CURSORS: dict[str, list[tuple[Any, list[str]]]] = {
    "executions": [
        (None, _cursors_in(total_order(()))),
        *(
            ([{"field": field, "direction": "DESC"}], _cursors_in(total_order([Term(name, True)])))
            for field, name in _FIELDS.items()
        ),
    ],
    "agentflows": [(None, [encode_cursor((name, flow), BY_NAME) for flow, name in FLOWS.items()])],
}


@given(data=st.data())
@settings(deadline=None, max_examples=examples(250), suppress_health_check=list(HealthCheck))
def test_any_query_is_answered_as_if_there_were_nothing_outside(
    worlds: Worlds, data: st.DataObject
) -> None:
    choices = Choices(lambda low, high: int(data.draw(st.integers(low, high))))
    for request in DocumentDrawing(SCHEMA, choices, _POOLS, _CURSORS).requests("query", 2):
        # It is another text each time.
        query = request.query.replace("eventCursor", "__typename")
        body = {**request.body, "query": query}
        beside, alone = (
            world.send(method="POST", url="/graphql", json=body).content for world in worlds
        )
        assert beside == alone, query
