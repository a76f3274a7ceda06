"""How many SQL statements an operation costs: one, and one more for each thing it asks beside."""

import pytest

from schema.node import global_id
from tests.gateway import Gateway
from tests.sample import SAMPLE
from tests.statements import recorded_statements

QUERIES = {
    "one execution": ('{ execution(guid: "guid-07") { guid agentflowName } }', 1),
    "a page": ("{ executions { nodes { guid agentflowName state } } }", 1),
    "a page with cursors": (
        "{ executions { edges { cursor node { guid } } pageInfo { endCursor hasNextPage } } }",
        1,
    ),
    "the first page and whether one is before it": (
        "{ executions { nodes { guid } pageInfo { hasPreviousPage } } }",
        1,
    ),
    "a page with its total": ("{ executions { totalCount nodes { guid } } }", 2),
    "a total alone": ("{ executions { totalCount } }", 1),
    "totals of many agentflows": ("{ agentflows { nodes { executions { totalCount } } } }", 2),
    "a page whose total is skipped": (
        "{ executions { totalCount @skip(if: true) nodes { guid } } }",
        1,
    ),
    "a page whose total stands in a fragment": (
        (
            "{ executions { ...Total nodes { guid } } }"
            " fragment Total on ExecutionConnection { totalCount }"
        ),
        2,
    ),
    "a numbered page": ("{ executionPage { items { guid } page limit } }", 1),
    "a numbered page with its total": ("{ executionPage { items { guid } totalCount } }", 2),
    "two lists": ("{ a: executions { nodes { guid } } b: executions { nodes { guid } } }", 2),
    "who is asking": ("{ viewer { name scopes workspaceId } }", 0),
    "nothing stored": ("{ __typename __schema { queryType { name } } }", 0),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_costs_no_more_statements_than_it_needs(sample_gateway: Gateway, name: str) -> None:
    query, expected = QUERIES[name]
    with recorded_statements() as statements:
        sample_gateway.graphql(query)
    assert len(statements) == expected, statements


def test_a_page_after_a_cursor_costs_one_more_only_when_it_asks_what_is_before(
    sample_gateway: Gateway,
) -> None:
    page = "query ($after: String) { executions(first: 5, after: $after) { pageInfo { %s } } }"
    first = sample_gateway.graphql(page % "endCursor", after=None)
    after = first["executions"]["pageInfo"]["endCursor"]
    for selected, expected in (("hasNextPage", 1), ("hasPreviousPage", 2)):
        with recorded_statements() as statements:
            sample_gateway.graphql(page % selected, after=after)
        assert len(statements) == expected


def test_changing_many_executions_costs_as_many_statements_as_changing_two(
    gateway: Gateway,
) -> None:
    gateway.insert(SAMPLE)
    update = (
        "mutation ($guids: [ID!]!) {"
        " updateExecutions(guids: $guids, input: {state: STOPPED}) { affected } }"
    )
    counts = []
    for rows in (SAMPLE[:2], SAMPLE[2:]):
        with recorded_statements() as statements:
            gateway.graphql(update, guids=[row.guid for row in rows])
        counts.append(len(statements))
    assert counts == [2, 2]


@pytest.mark.parametrize("start", ["", "\ufffd", "caf\udce9"], ids=["made up", "shown", "broken"])
def test_naming_many_that_are_not_there_costs_as_many_statements_as_naming_one(
    sample_gateway: Gateway, start: str
) -> None:
    counts = []
    for number in (1, 100):
        ids = [
            global_id(name, f"{start}{each}")
            for name in ("Agentflow", "Execution", "Session")
            for each in range(number)
        ]
        with recorded_statements() as statements:
            data = sample_gateway.graphql(
                "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids
            )
        assert data["nodes"] == [None] * len(ids)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.sqlite
def test_changing_one_execution_costs_two_statements(gateway: Gateway) -> None:
    assert _statements_of_updates(gateway) == [2, 1, 1, 1]


@pytest.mark.postgres
def test_changing_one_execution_costs_one_statement_where_each_is_a_message(
    gateway: Gateway,
) -> None:
    assert _statements_of_updates(gateway) == [1, 1, 1, 1]


def _statements_of_updates(gateway: Gateway) -> list[int]:
    """For an update that changes something, changes nothing, conflicts, and finds nothing."""
    gateway.insert(SAMPLE[:1])
    update = (
        "mutation ($guid: ID!, $from: ExecutionState) { updateExecution(guid: $guid,"
        " input: {state: STOPPED, expectedState: $from}) { __typename } }"
    )
    guid = SAMPLE[0].guid
    counts, outcomes = [], []
    for of, expected in ((guid, None), (guid, "STOPPED"), (guid, "ERROR"), ("nobody", None)):
        with recorded_statements() as statements:
            data = gateway.graphql(update, **{"guid": of, "from": expected})
        counts.append(len(statements))
        outcomes.append(data["updateExecution"]["__typename"])
    assert outcomes == [
        "UpdateExecutionSuccess",
        "UpdateExecutionSuccess",
        "ExecutionStateConflict",
        "ExecutionNotFound",
    ]
    return counts


def test_deleting_many_executions_costs_one_statement(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    delete = "mutation ($guids: [ID!]!) { deleteExecutions(guids: $guids) { affected } }"
    with recorded_statements() as statements:
        gateway.graphql(delete, guids=[row.guid for row in SAMPLE])
    assert len(statements) == 1
