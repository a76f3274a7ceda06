"""Each level of a query costs the same few statements, however many parents it has."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db.reading import row_query
from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place
from tests.sample import SAMPLE, START
from tests.statements import recorded_statements

_MANY = 100
_PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

# With the statements of each level, from the root down.
QUERIES: dict[str, tuple[str, list[int]]] = {
    "pages, totals and statistics of three levels": (
        (
            "agentflows(first: $n) { nodes {"
            " executions(first: 5, filter: {state: {in: [ERROR, FINISHED]}}) { totalCount"
            " nodes { session { executions(first: 3) { nodes { guid agentflow { name } } } } }"
            " pageInfo { hasNextPage endCursor } }"
            " stats { byState { state count } } } }"
        ),
        [1, 3, 1],
    ),
    "aliased connections with their own arguments": (
        (
            "agentflows(first: $n) { nodes {"
            " newest: executions(first: 2) { nodes { guid } }"
            " oldest: executions(last: 2) { nodes { guid } }"
            " failed: executions(filter: {state: {eq: ERROR}}) { totalCount }"
            " changed: executions(first: 1, orderBy: [{field: UPDATED_ON}]) { nodes { guid } } } }"
        ),
        [1, 4],
    ),
    "pages after a cursor, and whether there are others before": (
        (
            "agentflows(first: $n) { nodes { executions(first: 1, after: $cursor) {"
            f" totalCount edges {{ cursor node {{ guid }} }} {_PAGE_INFO} }} }} }}"
        ),
        [1, 3],
    ),
    "pages before a cursor, from the end": (
        (
            "agentflows(first: $n) { nodes { executions(last: 1, before: $cursor) {"
            f" totalCount edges {{ cursor node {{ guid }} }} {_PAGE_INFO} }} }} }}"
        ),
        [1, 3],
    ),
    "totals alone": (
        "agentflows(first: $n) { totalCount nodes { executions { totalCount } } }",
        [2, 1],
    ),
    "sessions of agentflows of sessions": (
        (
            "executions(first: $n) { nodes { session { executions(first: 2) { nodes { agentflow {"
            " executions(first: 2) { nodes { session { sessionId executions(first: 1) {"
            " totalCount } } } } } } } } } }"
        ),
        [1, 1, 1, 1],
    ),
    "objects of each type by their ids": (
        (
            "nodes(ids: $ids) {"
            " ... on Agentflow { executions(first: 1) { totalCount nodes { guid } } }"
            " ... on Execution { session { executions(first: 1) { nodes { guid } } } }"
            " ... on Session { stats { totalCount } } }"
        ),
        [3, 4],
    ),
    "what fragments and conditions leave": (
        (
            "agentflows(first: $n) { nodes { ...Some skipped: executions @skip(if: $yes) {"
            " totalCount } ... @include(if: $yes) { stats { totalCount } } } }"
        ),
        [1, 1, 1],
    ),
    "several root fields": (
        (
            "a: agentflows(first: $n) { nodes { executions(first: 1) { nodes { guid } } } }"
            " b: executions(first: $n) { nodes { agentflow { stats { totalCount } } } }"
        ),
        [2, 2],
    ),
}
_FRAGMENT = "fragment Some on Agentflow { executions(first: 1) { nodes { guid } } }"


@pytest.fixture(scope="module")
def many(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    """A gateway over a hundred agentflows and sessions, with three executions each."""
    place = new_place()
    states = ["ERROR", "FINISHED", "INPROGRESS"]
    insert(
        place,
        [
            SAMPLE[0]._replace(
                id=number + 1,
                guid=f"guid-{number}",
                agentflow_id=f"flow-{number % _MANY:03}",
                agentflow_name=f"Flow {number % _MANY:03}",
                session_id=f"session-{number * 7 % _MANY}",
                state=states[number // _MANY],
                created_on=START + number * 1000,
                finished_on=None,
            )
            for number in range(3 * _MANY)
        ],
    )
    with running_gateway(place, max_cost=10_000_000) as running:
        yield running


def _variables(gateway: Gateway, parents: int) -> dict[str, Any]:
    """The number of parents, as many ids of each type, and a cursor in the middle of all."""
    data = gateway.graphql(
        "query ($n: Int!) { executions(first: $n) { nodes { id agentflow { id } session { id } } }"
        " middle: executions(first: 150) { pageInfo { endCursor } } }",
        n=parents,
    )
    ids = [
        node["id"]
        for each in data["executions"]["nodes"]
        for node in (each, each["agentflow"], each["session"])
    ]
    cursor = data["middle"]["pageInfo"]["endCursor"]
    return {"n": parents, "ids": ids, "cursor": cursor, "yes": True}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("parents", [1, 10, 100])
def test_a_deep_query_costs_as_many_statements_for_many_parents_as_for_one(
    many: Gateway, name: str, parents: int
) -> None:
    selection, levels = QUERIES[name]
    types = {"n": "Int!", "ids": "[ID!]!", "cursor": "String", "yes": "Boolean!"}
    used = {key: kind for key, kind in types.items() if f"${key}" in selection}
    declared = ", ".join(f"${key}: {kind}" for key, kind in used.items())
    fragment = _FRAGMENT if "...Some" in selection else ""
    variables = _variables(many, parents)
    with recorded_statements() as statements:
        data = many.graphql(
            f"query ({declared}) {{ {selection} }} {fragment}",
            **{key: variables[key] for key in used},
        )
    assert all(data.values())
    assert len(statements) == sum(levels), "\n".join(statements)


@pytest.mark.parametrize("order", ["CREATED_ON", "UPDATED_ON"])
@pytest.mark.parametrize("parents", [1, 10, 100])
def test_pages_that_a_bounded_read_does_not_fill_cost_one_statement_more_together(
    many: Gateway, monkeypatch: pytest.MonkeyPatch, order: str, parents: int
) -> None:
    query = f"""query ($n: Int!) {{ agentflows(first: $n) {{ nodes {{ executions(
      first: 3, orderBy: [{{field: {order}}}],
      filter: {{or: [{{sessionId: {{eq: "none"}}}}, {{updatedOn: {{gte: "2000-01-01T00:00Z"}}}}]}}
    ) {{ nodes {{ guid }} }} }} }} }}"""
    counts = []
    for scanned in (1_000, 1):
        monkeypatch.setattr(row_query, "SCAN_AT_LEAST", scanned)
        monkeypatch.setattr(row_query, "SCAN_PER_ROW", min(scanned, 20) // 20)
        with recorded_statements() as statements:
            data = many.graphql(query, n=parents)
        counts.append(len(statements))
        pages = [node["executions"]["nodes"] for node in data["agentflows"]["nodes"]]
        assert list(map(len, pages)) == [3] * parents
    assert counts == [2, 3]
