"""The cost of operations: how it is reported, and when it is too high."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.examples import examples
from tests.gateway import Gateway, insert
from tests.sample import SAMPLE

REPORT = {"graphql-cost": "report"}


def _cost(gateway: Gateway, query: str, **variables: Any) -> int:
    body = {"query": query, "variables": variables}
    answer = gateway.http.post("/graphql", json=body, headers=REPORT).json()
    report = answer["extensions"]["cost"]
    assert report["maximum"] == 20_000
    return int(report["requested"])


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ('{ execution(guid: "a") { guid state } }', 3),
        ("{ executions { totalCount } }", 2),
        ("{ executions(first: 10) { nodes { guid state } } }", 1 + 1 + 10 * 2),
        ("{ executions { nodes { guid state } } }", 1 + 1 + 50 * 2),
        ("{ executions(last: 3) { edges { cursor node { guid } } } }", 1 + 1 + 3 * (1 + 1 + 1)),
        ("{ executions(first: 0) { nodes { guid } } }", 2),
        ("{ executionPage(limit: 20) { items { guid } totalPages } }", 1 + 1 + 20 + 1),
        ("{ ...A } fragment A on Query { executions(first: 4) { nodes { guid } } }", 6),
        ("{ executions(first: 4) { ... { nodes { ... on Execution { guid } } } } }", 6),
        ('mutation { deleteExecution(guid: "a") { __typename } }', 2),
        ("{ a: executions(first: 5) { nodes { id } } b: executions { totalCount } }", 7 + 2),
    ],
)
def test_a_connection_costs_its_page_size_times_what_is_selected_in_a_node(
    gateway: Gateway, query: str, cost: int
) -> None:
    assert _cost(gateway, query) == cost


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        # 10 agentflows, each with 3 executions of two fields.
        (
            "{ agentflows(first: 10) { nodes { executions(first: 3) { nodes { guid state } } } } }",
            1 + 1 + 10 * (1 + 1 + 3 * 2),
        ),
        (
            (
                "{ agentflows(first: 4) { edges { node { name"
                " a: executions(first: 2) { totalCount edges { cursor node {"
                " session { sessionId executions(last: 5) { nodes { guid } } } } } } } } } }"
            ),
            1 + 1 + 4 * (1 + 1 + 1 + 1 + 1 + 2 * (1 + 1 + 1 + 1 + 1 + 1 + 5)),
        ),
        # An agentflow is no list, so its fields cost as much as the execution's.
        ("{ executions(first: 3) { nodes { agentflow { name } } } }", 1 + 1 + 3 * 2),
        ("{ agentflows { nodes { executions { totalCount } } } }", 1 + 1 + 50 * 2),
        ('{ nodes(ids: ["a", "b", "c"]) { id __typename } }', 1 + 3 * 2),
        # A timeline counts as a hundred rows, and each list of states has six.
        (
            "{ executionStats { totalCount byState { state count } timeline { start } } }",
            1 + 1 + (1 + 6 * 2) + (1 + 100),
        ),
        (
            "{ executionStats { byAgentflow(first: 3) { count agentflow { name } } } }",
            1 + 1 + 3 * 3,
        ),
        (
            (
                "{ agentflows(first: 5) { nodes { stats { timeline(bucket: HOUR) { totalCount"
                " byState { count } } } } } }"
            ),
            1 + 1 + 5 * (1 + 1 + 100 * (1 + 1 + 6)),
        ),
        ('{ node(id: "a") { ... on Session { executions(first: 9) { nodes { id } } } } }', 1 + 11),
    ],
)
def test_connections_in_connections_multiply(gateway: Gateway, query: str, cost: int) -> None:
    assert _cost(gateway, query) == cost


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ executions(first: 30) { pageInfo { endCursor } } }", 1 + 30),
        ("{ executions(first: 30) { totalCount ... { pageInfo { hasNextPage } } } }", 1 + 30),
        (
            (
                "{ agentflows(first: 5) { nodes { executions(first: 30) {"
                " pageInfo { endCursor } } } } }"
            ),
            1 + 1 + 5 * (1 + 30),
        ),
        ("{ executionPage(limit: 30) { totalCount page limit totalPages } }", 1 + 4),
    ],
)
def test_rows_that_are_read_count_even_if_none_of_their_fields_is_selected(
    gateway: Gateway, query: str, cost: int
) -> None:
    assert _cost(gateway, query) == cost


def test_guids_below_the_rows_of_a_change_cost_as_usual(gateway: Gateway) -> None:
    query = (
        'mutation { updateExecutions(guids: ["a", "b"], input: {}) { executions { guid'
        " session { executions(first: 4) { nodes { guid } } } } } }"
    )
    assert _cost(gateway, query) == 1 + 1 + 2 * (1 + 1 + 1 + 4)


@pytest.mark.parametrize(
    ("variables", "size"), [({"n": 7}, 7), ({}, 4), ({"n": None}, 50), ({"n": -3}, 0)], ids=str
)
def test_the_page_size_is_read_from_variables_and_their_defaults(
    gateway: Gateway, variables: dict[str, Any], size: int
) -> None:
    query = "query ($n: Int = 4) { executions(first: $n) { nodes { guid } } }"
    assert _cost(gateway, query, **variables) == 2 + size


@pytest.mark.parametrize(
    ("arguments", "variables", "size"),
    [
        ("first: $n", {"n": 1000.0}, 1000),
        ("first: $n, last: $m", {"n": None, "m": 700}, 700),
        ("last: $m, first: $n", {"m": 700}, 700),
        ("first: null, last: $m", {"m": 600}, 600),
        ("first: null, last: 600", {}, 600),
        ("first: 3, last: 600", {}, 600),
        ("first: $n, last: 2", {"n": 4}, 4),
        ("first: $n", {"n": 2_000}, 1000),
        ("first: $f", {}, 50),
        ("first: $d", {}, 900),
        ("first: $d", {"d": None}, 50),
        ("first: $d", {"d": 1}, 1),
        ("first: $n, last: $m", {"n": -1, "m": -5}, 0),
    ],
    ids=str,
)
def test_the_page_size_is_what_the_arguments_are_coerced_to(
    gateway: Gateway, arguments: str, variables: dict[str, Any], size: int
) -> None:
    query = (
        "query ($n: Int, $m: Int, $f: Int = null, $d: Int = 900) {"
        f" executions({arguments}) {{ nodes {{ guid }} }}"
        " n: executions(first: $n) { __typename } m: executions(first: $m) { __typename }"
        " f: executions(first: $f) { __typename } d: executions(first: $d) { __typename } }"
    )
    assert _cost(gateway, query, **variables) == 2 + size + 4 * 2


def test_the_size_of_a_numbered_page_is_read_from_variables(gateway: Gateway) -> None:
    query = "query ($n: Int! = 30) { executionPage(limit: $n) { items { guid state } } }"
    assert _cost(gateway, query) == 2 + 30 * 2
    assert _cost(gateway, query, n=7.0) == 2 + 7 * 2


CHANGE = "updateExecutions(guids: {guids}, input: {{state: ERROR}}) {{ {selected} }}"


@pytest.mark.parametrize(
    ("selected", "cost"),
    [
        ("affected notFound", 2),
        ("executions { guid }", 1),
        ("executions { guid state }", 1 + 3),
        ("executions { guid state createdOn } affected", 1 + 3 * 2 + 1),
        ("executions { state } conflicts { state createdOn }", 2 + 3 * 2),
        ("a: executions { state } b: executions { state }", 2 + 2 * 3),
        ("... { executions { ... { state } } } ...A", 2 + 3 * 2),
    ],
)
@pytest.mark.parametrize(
    ("guids", "variables"),
    [
        ('["a", "b", "c"]', {}),
        ("$ids", {"ids": ["a", "b", "c"]}),
        ("[$one, $one, $one]", {"one": "a"}),
        ("$default", {}),
    ],
    ids=["literal", "list", "items", "default"],
)
def test_a_change_of_many_costs_what_is_selected_in_a_row_times_the_guids(
    gateway: Gateway, selected: str, cost: int, guids: str, variables: dict[str, Any]
) -> None:
    parts = CHANGE.format(guids=guids, selected=selected)
    fragment = "fragment A on UpdateExecutionsPayload { executions { updatedOn } }"
    query = (
        'mutation ($ids: [ID!]! = [], $one: ID! = "a", $default: [ID!]! = ["a", "b", "c"]) {'
        f" {parts} x: deleteExecutions(guids: $ids) {{ __typename }}"
        " y: deleteExecutions(guids: [$one]) { __typename }"
        f" z: deleteExecutions(guids: $default) {{ __typename }} }}"
        f" {fragment if '...A' in selected else ''}"
    )
    assert _cost(gateway, query, **variables) == 1 + cost + 3 * 2


def test_one_guid_that_is_no_list_is_one_row(gateway: Gateway) -> None:
    query = "mutation ($g: [ID!]!) { updateExecutions(guids: $g, input: {}) { executions { id } } }"
    assert _cost(gateway, query, g="a") == 1 + 1 + 1


def test_more_guids_than_may_be_cost_as_many_as_may_be(gateway: Gateway) -> None:
    query = "mutation ($g: [ID!]!) { updateExecutions(guids: $g, input: {}) { executions { id } } }"
    code, message = gateway.refused(query, g=["a"] * 10_001)
    assert (code, "max_ids" in message) == ("BAD_USER_INPUT", True)


def test_many_rows_of_many_fields_are_refused_before_anything_changes(gateway: Gateway) -> None:
    insert(gateway.place, SAMPLE)
    query = (
        "mutation ($g: [ID!]!) { updateExecutions(guids: $g, input: {state: STOPPED}) {"
        " executions { guid state createdOn updatedOn } } }"
    )
    before = gateway.sql("SELECT * FROM executions")
    guids = [SAMPLE[0].guid, *(f"none-{number}" for number in range(9_999))]
    code, message = gateway.refused(query, g=guids)
    assert (code, "max_cost" in message) == ("OPERATION_TOO_COMPLEX", True)
    assert gateway.sql("SELECT * FROM executions") == before


def test_without_the_header_nothing_is_reported(gateway: Gateway) -> None:
    assert "extensions" not in gateway.post("{ __typename }").json()


def test_what_costs_more_than_the_setting_allows_is_refused(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_cost=100)
    query = "query ($n: Int) { executions(first: $n) { nodes { guid } } }"
    assert "errors" not in gateway.post(query, n=98).json()
    assert gateway.refused(query, n=99) == (
        "OPERATION_TOO_COMPLEX",
        "The operation has a cost of 101; at most 100 are allowed (max_cost)",
    )


def test_the_largest_page_with_every_field_is_within_the_default(gateway: Gateway) -> None:
    fields = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"
    query = f"{{ executions(first: 1000) {{ edges {{ cursor node {{ {fields} }} }} }} }}"
    assert "errors" not in gateway.post(query).json()


# Whatever the document and the variables look like, the answer holds no more than it costs

_LEAVES = st.lists(
    st.sampled_from(["guid", "state", "a: guid", "createdOn", "__typename"]), max_size=5
)
_SIZES = st.one_of(
    st.none(), st.integers(0, 12), st.sampled_from([5.0, 9.0, 1000, -1]), st.just("left out")
)


@st.composite
def _documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A query for pages, whose sizes are written in every way there is."""
    definitions: list[str] = []
    variables: dict[str, Any] = {}
    fields: list[str] = []

    def argument(name: str) -> str:
        size = draw(_SIZES)
        if size == "left out":
            return ""
        way = draw(st.sampled_from(["literal", "variable", "default", "overridden"]))
        if way == "literal":
            return f"{name}: {'null' if size is None else int(size)} "
        variable = f"v{len(definitions)}"
        default = "null" if size is None else str(int(size))
        if way == "overridden":
            default = str(draw(st.integers(0, 3)))
        definitions.append(f"${variable}: Int" + ("" if way == "variable" else f" = {default}"))
        if way != "default":
            variables[variable] = size
        return f"{name}: ${variable} "

    for number in range(draw(st.integers(1, 3))):
        leaves = " ".join(["id", *draw(_LEAVES)])
        arguments = argument("first") + argument("last")
        selected = draw(
            st.sampled_from(
                [
                    f"nodes {{ {leaves} }}",
                    f"edges {{ cursor node {{ {leaves} }} }} totalCount",
                    f"... {{ nodes {{ ...A {leaves} }} }} pageInfo {{ hasNextPage }}",
                ]
            )
        )
        fields.append(
            f"r{number}: executions{f'({arguments})' if arguments else ''} {{ {selected} }}"
        )
    head = f"query ({' '.join(definitions)})" if definitions else ""
    query = (
        f"{head} {{ {' '.join(fields)} ...B }} fragment A on Execution {{ updatedOn }}"
        " fragment B on Query { b: executions(first: 2) { nodes { ...A } } }"
    )
    return query, variables


def _held(answered: Any) -> int:
    """Return the number of fields in a response."""
    if isinstance(answered, dict):
        return sum(1 + _held(value) for value in answered.values())
    return sum(map(_held, answered)) if isinstance(answered, list) else 0


_ANSWERED: list[int] = []


@pytest.mark.sqlite
@drawn(asked=_documents())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
def test_an_answer_holds_at_most_as_many_fields_as_it_costs(
    sample_gateway: Gateway, asked: tuple[str, dict[str, Any]]
) -> None:
    query, variables = asked
    body = {"query": query, "variables": variables}
    answer = sample_gateway.http.post("/graphql", json=body, headers=REPORT).json()
    if "errors" in answer:
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes <= {"BAD_USER_INPUT", "OPERATION_TOO_COMPLEX"}
        return
    held = _held(answer["data"])
    assert held <= answer["extensions"]["cost"]["requested"]
    _ANSWERED.append(held)


@pytest.mark.sqlite
def test_many_of_those_were_answered() -> None:
    if len(_ANSWERED) >= 20:
        assert max(_ANSWERED) > 50
