"""The graph: agentflows, sessions and executions, which lead to each other."""

from typing import Any

import pytest

from tests.gateway import Gateway
from tests.sample import FLOWS, SAMPLE


def _newest(rows: Any) -> list[str]:
    return [row.guid for row in sorted(rows, key=lambda row: (-row.created_on, -row.id))]


def test_an_agentflow_is_found_by_its_id(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql('{ agentflow(agentflowId: "flow-b") { agentflowId name } }')
    assert data == {"agentflow": {"agentflowId": "flow-b", "name": FLOWS["flow-b"]}}


def test_an_agentflow_that_is_gone_is_found_while_it_has_executions(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    query = '{ agentflow(agentflowId: "flow-gone") { agentflowId name executions { totalCount } } }'
    assert gateway.graphql(query) == {
        "agentflow": {"agentflowId": "flow-gone", "name": None, "executions": {"totalCount": 4}}
    }
    gateway.sql("DELETE FROM executions WHERE agentflow_id = 'flow-gone'")
    assert gateway.graphql(query) == {"agentflow": None}


def test_what_does_not_exist_is_null(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        '{ agentflow(agentflowId: "nothing") { name } session(sessionId: "nothing") { id } }'
    )
    assert data == {"agentflow": None, "session": None}


def test_a_session_has_its_executions_newest_first(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        '{ session(sessionId: "session-1") { sessionId executions { totalCount nodes { guid } } } }'
    )
    expected = _newest(row for row in SAMPLE if row.session_id == "session-1")
    assert data["session"] == {
        "sessionId": "session-1",
        "executions": {
            "totalCount": len(expected),
            "nodes": [{"guid": guid} for guid in expected],
        },
    }


def test_an_execution_leads_to_its_agentflow_and_session(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        "{ executions { nodes { guid agentflow { agentflowId name } session { sessionId } } } }"
    )
    by_guid = {row.guid: row for row in SAMPLE}
    for node in data["executions"]["nodes"]:
        row = by_guid[node["guid"]]
        assert node["agentflow"] == {"agentflowId": row.agentflow_id, "name": row.agentflow_name}
        assert node["session"] == (row.session_id and {"sessionId": row.session_id})


def test_agentflows_are_listed_by_name_without_those_that_are_gone(
    sample_gateway: Gateway,
) -> None:
    data = sample_gateway.graphql("{ agentflows { totalCount nodes { name } } }")
    names = sorted(name for name in FLOWS.values() if name)
    assert data["agentflows"] == {
        "totalCount": len(names),
        "nodes": [{"name": name} for name in names],
    }


def test_agentflows_are_filtered_by_name_ignoring_case(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        '{ agentflows(name: {contains: "SUPPORT"}) { totalCount nodes { name } } }'
    )
    assert data["agentflows"]["totalCount"] == 2
    assert {node["name"] for node in data["agentflows"]["nodes"]} == {
        "Support agent",
        "support AGENT",
    }


def test_agentflows_are_paged_through_with_cursors(sample_gateway: Gateway) -> None:
    query = (
        "query ($after: String) { agentflows(first: 2, after: $after)"
        " { edges { cursor node { agentflowId } } pageInfo"
        " { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    seen: list[str] = []
    after, has_next = None, True
    while has_next:
        page = sample_gateway.graphql(query, after=after)["agentflows"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        seen += [edge["node"]["agentflowId"] for edge in page["edges"]]
        after, has_next = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert sorted(seen) == sorted(set(FLOWS) - {"flow-gone"})


def test_a_cursor_of_executions_is_refused_for_agentflows(sample_gateway: Gateway) -> None:
    page = sample_gateway.graphql("{ executions(first: 1) { pageInfo { endCursor } } }")
    after = page["executions"]["pageInfo"]["endCursor"]
    code, message = sample_gateway.refused(
        "query ($after: String) { agentflows(after: $after) { totalCount } }", after=after
    )
    assert code == "BAD_USER_INPUT"
    assert "another order" in message


def test_aliased_connections_of_one_agentflow_have_their_own_arguments(
    sample_gateway: Gateway,
) -> None:
    data = sample_gateway.graphql(
        '{ agentflow(agentflowId: "flow-a") {'
        " newest: executions(first: 1) { nodes { guid } }"
        " oldest: executions(last: 1) { nodes { guid } pageInfo { hasPreviousPage } }"
        " none: executions(filter: {state: {in: []}}) { totalCount nodes { guid } } } }"
    )
    guids = _newest(row for row in SAMPLE if row.agentflow_id == "flow-a")
    assert data["agentflow"] == {
        "newest": {"nodes": [{"guid": guids[0]}]},
        "oldest": {"nodes": [{"guid": guids[-1]}], "pageInfo": {"hasPreviousPage": True}},
        "none": {"totalCount": 0, "nodes": []},
    }


def test_nested_arguments_are_read_from_variables_and_fragments(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        "query ($n: Int, $state: ExecutionState, $without: Boolean!) { agentflows { nodes {"
        " ...Some } } } fragment Some on Agentflow { agentflowId"
        " executions(first: $n, filter: {state: {eq: $state}}) @skip(if: $without) {"
        " nodes { state } } }",
        n=1,
        state="FINISHED",
        without=False,
    )
    for flow in data["agentflows"]["nodes"]:
        states = {row.state for row in SAMPLE if row.agentflow_id == flow["agentflowId"]}
        expected = [{"state": "FINISHED"}] if "FINISHED" in states else []
        assert flow["executions"]["nodes"] == expected


def test_errors_in_nested_arguments_are_all_found_before_anything_is_read(
    sample_gateway: Gateway,
) -> None:
    query = (
        "{ agentflows { nodes { executions(first: -1) { nodes {"
        ' session { executions(after: "no cursor") { totalCount } } } } } } }'
    )
    body = sample_gateway.post(query).json()
    assert "data" not in body
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["agentflows", "nodes", "executions"], "BAD_USER_INPUT"),
        (
            ["agentflows", "nodes", "executions", "nodes", "session", "executions"],
            "BAD_USER_INPUT",
        ),
    ]


def test_an_error_in_an_argument_below_a_change_changes_nothing(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    guid = next(row.guid for row in SAMPLE if row.state == "INPROGRESS")
    code, _ = gateway.refused(
        "mutation ($guid: ID!) { updateExecution(guid: $guid, input: {state: STOPPED}) {"
        " ... on UpdateExecutionSuccess { execution { agentflow {"
        " executions(first: -1) { totalCount } } } } } }",
        guid=guid,
    )
    assert code == "BAD_USER_INPUT"
    assert gateway.sql("SELECT state FROM executions WHERE guid = ?", guid) == [("INPROGRESS",)]


def test_what_a_change_returns_leads_on(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    row = SAMPLE[6]
    data = gateway.graphql(
        "mutation ($guid: ID!) { updateExecution(guid: $guid, input: {state: STOPPED}) {"
        " ... on UpdateExecutionSuccess { execution { agentflow { name"
        " executions(filter: {state: {eq: STOPPED}}) { nodes { guid } } } } } } }",
        guid=row.guid,
    )
    flow = data["updateExecution"]["execution"]["agentflow"]
    assert flow["name"] == row.agentflow_name
    assert {"guid": row.guid} in flow["executions"]["nodes"]


class TestNode:
    """Relay's object identification."""

    @pytest.fixture
    def ids(self, sample_gateway: Gateway) -> dict[str, str]:
        """The id of an object of each type."""
        found = sample_gateway.graphql(
            '{ execution(guid: "guid-07") { id agentflow { id } session { id } } }'
        )["execution"]
        return {
            "Execution": found["id"],
            "Agentflow": found["agentflow"]["id"],
            "Session": found["session"]["id"],
        }

    @pytest.mark.parametrize("kind", ["Execution", "Agentflow", "Session"])
    def test_an_object_of_each_type_is_found_again_by_its_id(
        self, sample_gateway: Gateway, ids: dict[str, str], kind: str
    ) -> None:
        data = sample_gateway.graphql(
            "query ($id: ID!) { node(id: $id) { __typename id } }", id=ids[kind]
        )
        assert data["node"] == {"__typename": kind, "id": ids[kind]}

    def test_fragments_select_what_each_type_has(
        self, sample_gateway: Gateway, ids: dict[str, str]
    ) -> None:
        data = sample_gateway.graphql(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Execution { guid }"
            " ... on Agentflow { name } ... on Session { executions(first: 0) { totalCount } } } }",
            ids=[ids["Session"], ids["Execution"], ids["Agentflow"], ids["Execution"]],
        )
        in_session = sum(row.session_id == "session-1" for row in SAMPLE)
        assert data["nodes"] == [
            {"executions": {"totalCount": in_session}},
            {"guid": "guid-07"},
            {"name": FLOWS["flow-b"]},
            {"guid": "guid-07"},
        ]

    @pytest.mark.parametrize(
        "wrong",
        [
            "",
            "1",
            "guid-07",
            "RXhlY3V0aW9uOm5vYm9keQ==",  # Execution:nobody
            "VXNlcjox",  # User:1
            "RXhlY3V0aW9u",  # Execution
            "RXhlY3V0aW9uOmd1aWQtMDc",  # Execution:guid-07, without its padding
            "U2Vzc2lvbjo=",  # Session:
            "UXVlcnk6MQ==",  # Query:1
            "not base64 é",
            "/+==",
            "\x00",
        ],
    )
    def test_a_wrong_id_is_null_and_no_error_of_its_neighbours(
        self, sample_gateway: Gateway, ids: dict[str, str], wrong: str
    ) -> None:
        data = sample_gateway.graphql(
            "query ($wrong: ID!, $ids: [ID!]!) { node(id: $wrong) { id } nodes(ids: $ids) { id } }",
            wrong=wrong,
            ids=[ids["Agentflow"], wrong, ids["Session"]],
        )
        assert data == {
            "node": None,
            "nodes": [{"id": ids["Agentflow"]}, None, {"id": ids["Session"]}],
        }

    def test_more_ids_than_allowed_are_refused(self, sample_gateway: Gateway) -> None:
        code, message = sample_gateway.refused(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 10_001
        )
        assert (code, message) == (
            "BAD_USER_INPUT",
            "ids must be at most 10000 (max_ids); got 10001",
        )


class TestReadingAfterAChange:
    """What a change leads to is read once it is made; that may fail."""

    CHANGE = (
        "updateExecution(guid: $guid, input: {state: STOPPED}) {"
        " ... on UpdateExecutionSuccess { execution { agentflow { stats {"
        " timeline(bucket: HOUR) { start } } } } } }"
    )

    @pytest.fixture
    def guid(self, gateway: Gateway) -> str:
        """An execution whose agentflow has so old executions that a timeline is too long."""
        gateway.insert(SAMPLE)
        row = next(row for row in SAMPLE if row.state == "INPROGRESS")
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES ('old', ?, 'ERROR', 0)",
            row.agentflow_id,
        )
        return row.guid

    def test_an_error_says_that_the_change_was_made(self, gateway: Gateway, guid: str) -> None:
        answer = gateway.post(f"mutation ($guid: ID!) {{ a: {self.CHANGE} }}", guid=guid)
        [error] = answer.json()["errors"]
        assert answer.json()["data"] == {"a": None}
        assert (error["path"], error["extensions"]["code"]) == (["a"], "BAD_USER_INPUT")
        assert error["message"].startswith("The change was made, but ")
        assert "10,000 buckets" in error["message"]
        state = gateway.sql("SELECT state FROM executions WHERE guid = ?", guid)
        assert state == [("STOPPED",)]

    def test_the_other_changes_of_an_operation_are_answered(
        self, gateway: Gateway, guid: str
    ) -> None:
        answer = gateway.post(
            f"mutation ($guid: ID!) {{ a: {self.CHANGE}"
            ' b: deleteExecution(guid: "old") { __typename } }',
            guid=guid,
        )
        [error] = answer.json()["errors"]
        assert answer.json()["data"] == {"a": None, "b": {"__typename": "DeleteExecutionSuccess"}}
        assert (error["path"], error["extensions"]["code"]) == (["a"], "BAD_USER_INPUT")
        assert error["message"].startswith("The change was made, but ")
