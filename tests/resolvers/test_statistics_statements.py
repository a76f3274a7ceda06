"""Statistics cost one statement for all objects of a level, whatever is selected in them."""

from collections.abc import Callable, Iterator

import pytest

from tests.gateway import Gateway, insert, run_sql, running_gateway
from tests.places import Place
from tests.sample import SAMPLE, START
from tests.statements import recorded_statements

_MANY = 100
_DAY = 86_400_000
_EVERYTHING = (
    "totalCount byState { state count } byAgentflow(first: 5) { agentflow { name } count }"
    " two: byAgentflow(first: 2) { count } timeline { start totalCount }"
    " weeks: timeline(bucket: WEEK) { start byState { count } }"
    " months: timeline(bucket: MONTH) { totalCount }"
)
_QUERIES = {
    "of everything": (f"{{ executionStats {{ {_EVERYTHING} }} }}", 1),
    "of a range within hours": (
        (
            '{ executionStats(filter: {createdOn: {gte: "2023-11-14T22:30:00Z", lt:'
            f' "2024-01-20T10:30:00Z"}}, state: {{notIn: [ERROR]}}}}) {{ {_EVERYTHING} }} }}'
        ),
        1,
    ),
    "of a filter that no count answers": (
        f'{{ executionStats(filter: {{guid: {{notIn: ["g"]}}}}) {{ {_EVERYTHING} }} }}',
        1,
    ),
    "of nothing": ("{ executionStats { __typename } }", 0),
    "of what can't match": ("{ executionStats(filter: {state: {in: []}}) { totalCount } }", 0),
    "of two filters": (
        (
            "{ a: executionStats { totalCount }"
            " b: executionStats(filter: {state: {eq: ERROR}}) { totalCount } }"
        ),
        2,
    ),
    "of agentflows that were counted": (
        (
            "{ executionStats { byAgentflow(first: 50) { agentflow {"
            f" executions(first: 0) {{ totalCount }} stats {{ {_EVERYTHING} }} }} }} }} }}"
        ),
        3,
    ),
}
_NESTED = {
    "of agentflows": f"agentflows(first: $n) {{ nodes {{ stats {{ {_EVERYTHING} }} }} }}",
    "of agentflows with a filter": (
        "agentflows(first: $n) { nodes {"
        f' stats(filter: {{guid: {{notIn: ["g"]}}}}) {{ {_EVERYTHING} }} }} }}'
    ),
    "of sessions": (
        f"executions(first: $n) {{ nodes {{ session {{ stats {{ {_EVERYTHING} }} }} }} }}"
    ),
    "of agentflows of sessions of agentflows": (
        "agentflows(first: $n) { nodes { executions(first: 2) { nodes { session { stats {"
        " byAgentflow(first: 3) { agentflow { stats { totalCount } } } } } } } } }"
    ),
}
_STATEMENTS = {
    "of agentflows": 2,
    "of agentflows with a filter": 2,
    "of sessions": 2,
    "of agentflows of sessions of agentflows": 4,
}


@pytest.fixture(scope="module")
def many(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    """A gateway over a hundred agentflows and sessions, which have executions on many days."""
    place = new_place()
    row = SAMPLE[0]
    insert(
        place,
        [
            row._replace(
                id=number + 1,
                guid=f"guid-{number}",
                agentflow_id=f"flow-{number % _MANY:03}",
                agentflow_name=None,
                session_id=f"session-{number % (_MANY + 1)}",
                created_on=START + number * _DAY // 2,
            )
            for number in range(3 * _MANY)
        ],
    )
    flows = ", ".join(f"('flow-{number:03}', 'Flow {number}')" for number in range(_MANY))
    run_sql(place, f"INSERT INTO agentflows (id, name) VALUES {flows}")
    with running_gateway(place, max_cost=10_000_000) as running:
        yield running


@pytest.mark.parametrize("name", _QUERIES)
def test_statistics_cost_one_statement(many: Gateway, name: str) -> None:
    query, expected = _QUERIES[name]
    with recorded_statements() as statements:
        many.graphql(query)
    assert len(statements) == expected, statements


@pytest.mark.parametrize("name", _NESTED)
@pytest.mark.parametrize("parents", [1, 10, 100])
def test_statistics_of_many_objects_cost_as_many_statements_as_those_of_one(
    many: Gateway, name: str, parents: int
) -> None:
    with recorded_statements() as statements:
        many.graphql(f"query ($n: Int!) {{ {_NESTED[name]} }}", n=parents)
    assert len(statements) == _STATEMENTS[name], statements


@pytest.mark.parametrize("bucket", ["HOUR", "DAY", "WEEK", "MONTH"])
def test_a_timeline_costs_one_statement_whatever_its_length(many: Gateway, bucket: str) -> None:
    query = f"{{ executionStats {{ timeline(bucket: {bucket}) {{ totalCount }} }} }}"
    with recorded_statements() as statements:
        many.graphql(query)
    assert len(statements) == 1
