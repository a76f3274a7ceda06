"""GraphQL, REST and the database give the same answer to every filter."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.executions import Executions
from db.models import ExecutionState
from db.opening import open_database
from db.reading.comparisons import FIELDS
from db.reading.filters import MAX_CONDITIONS, MAX_NESTING
from db.reading.page_query import PageQuery
from resolvers.schema import build_schema
from tests.filter_cases import CASES, Case, db_filter
from tests.gateway import Gateway
from tests.reference import GraphQLFilter, matches, ordered
from tests.sample import FLOWS, SAMPLE

EXECUTIONS = """
query ($filter: ExecutionFilter) {
  executions(filter: $filter, first: 100) { totalCount nodes { guid } }
}
"""


def _expected(graphql_filter: GraphQLFilter) -> list[str]:
    return [row.guid for row in ordered(row for row in SAMPLE if matches(row, graphql_filter))]


def _name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_graphql_answers_what_the_reference_says(case: Case, sample_gateway: Gateway) -> None:
    found = sample_gateway.graphql(EXECUTIONS, filter=case.graphql)["executions"]
    assert [node["guid"] for node in found["nodes"]] == _expected(case.graphql)
    assert found["totalCount"] == len(_expected(case.graphql))


@pytest.mark.parametrize("case", [case for case in CASES if case.rest is not None], ids=_name)
def test_rest_answers_what_the_reference_says(case: Case, sample_gateway: Gateway) -> None:
    found = sample_gateway.http.get("/executions", params=case.rest).json()
    assert [execution["guid"] for execution in found] == _expected(case.graphql)


@pytest.mark.anyio
@pytest.mark.parametrize("case", CASES, ids=_name)
async def test_the_database_answers_what_the_reference_says(
    case: Case, sample_gateway: Gateway
) -> None:
    database = open_database(sample_gateway.place.url)
    try:
        query = PageQuery(("guid",), db_filter(case.graphql), limit=100)
        found = await Executions(database).page(query)
    finally:
        await database.close()
    assert [guid for (guid,) in found.rows] == _expected(case.graphql)


def test_some_cases_match_something_and_some_leave_something_out() -> None:
    sizes = [len(_expected(case.graphql)) for case in CASES]
    assert sum(0 < size < len(SAMPLE) for size in sizes) >= 60


_guids = st.sampled_from([*(row.guid for row in SAMPLE), "nobody", ""])
_flows = st.sampled_from([*FLOWS, "nobody"])
_sessions = st.sampled_from(["session-0", "session-1", "session-2", "session-3", "nobody"])
_texts = st.one_of(
    st.sampled_from(["agent", "ÄRGER", "größe", "%", "_", "of", "日", "ОТЧ", "", "S"]),
    st.text(max_size=3).filter(lambda text: "\x00" not in text),
)
_states = st.sampled_from([state.value for state in ExecutionState])
_instants = st.builds(
    "2023-11-14T22:13:{:02d}.{:06d}{}".format,
    st.integers(19, 30),
    st.sampled_from([0, 1, 500, 1000, 999_000, 999_999]),
    st.sampled_from(["Z", "+00:00"]),
)


def _conditions(**operators: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    optional = {name: st.none() | values for name, values in operators.items()}
    return st.none() | st.fixed_dictionaries({}, optional=optional)


def _lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=4)


def _identifiers(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return _conditions(
        eq=values, **{"in": _lists(values), "notIn": _lists(values), "isNull": st.booleans()}
    )


_bounds = _conditions(gt=_instants, gte=_instants, lt=_instants, lte=_instants)
_fields = {
    "guid": _identifiers(_guids),
    "agentflowId": _identifiers(_flows),
    "sessionId": _identifiers(_sessions),
    "agentflowName": _conditions(
        eq=_texts,
        contains=_texts,
        startsWith=_texts,
        caseSensitive=st.booleans(),
        **{"in": _lists(_texts)},
    ),
    "state": _conditions(eq=_states, **{"in": _lists(_states), "notIn": _lists(_states)}),
    "createdOn": _bounds,
    "updatedOn": _bounds,
}


def _nested_at_most(levels: int) -> st.SearchStrategy[GraphQLFilter]:
    optional: dict[str, st.SearchStrategy[Any]] = dict(_fields)
    if levels:
        inner = _nested_at_most(levels - 1)
        lists = st.none() | st.lists(inner, max_size=2)
        optional |= {"and": lists, "or": lists, "not": st.none() | inner}
    return st.fixed_dictionaries({}, optional=optional)


_filters = _nested_at_most(4)


@given(graphql_filter=_filters)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_filter_answers_what_the_reference_says(
    sample_gateway: Gateway, graphql_filter: GraphQLFilter
) -> None:
    found = sample_gateway.graphql(EXECUTIONS, filter=graphql_filter)["executions"]
    assert [node["guid"] for node in found["nodes"]] == _expected(graphql_filter)
    assert found["totalCount"] == len(_expected(graphql_filter))


def _nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"state": {"eq": "ERROR"}}
    for _ in range(levels):
        inner = {"not": inner}
    return inner


def test_a_filter_may_be_nested_up_to_the_limit(sample_gateway: Gateway) -> None:
    found = sample_gateway.graphql(EXECUTIONS, filter=_nested(MAX_NESTING))["executions"]
    assert found["totalCount"] == len(_expected(_nested(MAX_NESTING)))


def test_a_filter_nested_deeper_is_refused(sample_gateway: Gateway) -> None:
    code, message = sample_gateway.refused(EXECUTIONS, filter=_nested(MAX_NESTING + 1))
    assert code == "BAD_USER_INPUT"
    assert str(MAX_NESTING) in message


def test_a_filter_may_hold_as_many_conditions_as_the_limit(sample_gateway: Gateway) -> None:
    parts = [{"guid": {"eq": f"guid-{number:02d}"}} for number in range(MAX_CONDITIONS)]
    found = sample_gateway.graphql(EXECUTIONS, filter={"or": parts})["executions"]
    assert found["totalCount"] == len(_expected({"or": parts}))


def test_a_filter_of_more_conditions_is_refused(sample_gateway: Gateway) -> None:
    parts = [{"state": {"eq": "ERROR"}}] * (MAX_CONDITIONS + 1)
    code, message = sample_gateway.refused(EXECUTIONS, filter={"or": parts})
    assert code == "BAD_USER_INPUT"
    assert str(MAX_CONDITIONS) in message


def test_graphql_offers_every_field_and_operator_there_is() -> None:
    schema = build_schema()
    inputs = schema.introspect()["__schema"]["types"]
    members = {
        each["name"]: {member["name"]: member["type"]["name"] for member in each["inputFields"]}
        for each in inputs
        if each["kind"] == "INPUT_OBJECT"
    }
    fields = dict(members["ExecutionFilter"])
    for joined in ("and", "or", "not"):
        del fields[joined]
    offered = {name: set(members[kind]) - {"caseSensitive"} for name, kind in fields.items()}
    assert offered == {
        _camel(name): {_camel(operator) for operator in field.operators}
        for name, field in FIELDS.items()
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
