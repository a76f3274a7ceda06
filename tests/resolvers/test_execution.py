"""One execution: how its fields are written, and that they are what the tables say now."""

from tests.gateway import Gateway
from tests.sample import SAMPLE

ONE = """
query ($guid: ID!) {
  execution(guid: $guid) {
    databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn
  }
}
"""


def _insert(gateway: Gateway, guid: str = "abc") -> None:
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES (?, 'flow', 'session', 'INPROGRESS', 1700000000007)",
        guid,
    )


def test_every_field_is_spelled_as_documented(gateway: Gateway) -> None:
    _insert(gateway)
    gateway.sql("INSERT INTO agentflows (id, name) VALUES ('flow', 'Support agent')")
    assert gateway.graphql(ONE, guid="abc")["execution"] == {
        "databaseId": 1,
        "guid": "abc",
        "state": "INPROGRESS",
        "agentflowId": "flow",
        "agentflowName": "Support agent",
        "sessionId": "session",
        "createdOn": "2023-11-14T22:13:20.007Z",
        "updatedOn": "2023-11-14T22:13:20.007Z",
    }


def test_ids_are_opaque_and_differ(sample_gateway: Gateway) -> None:
    found = sample_gateway.graphql("{ executions { nodes { id guid } } }")["executions"]["nodes"]
    assert len({node["id"] for node in found}) == len(SAMPLE)
    assert not {node["id"] for node in found} & {node["guid"] for node in found}


def test_an_unknown_guid_is_null(gateway: Gateway) -> None:
    assert gateway.graphql(ONE, guid="nobody") == {"execution": None}


def test_a_guid_is_matched_to_the_letter(gateway: Gateway) -> None:
    _insert(gateway, "abc")
    assert gateway.graphql(ONE, guid="ABC") == {"execution": None}
    assert gateway.graphql(ONE, guid="abc ") == {"execution": None}


def test_a_guid_may_be_any_text(gateway: Gateway) -> None:
    for guid in ("a/b%c", "a\nb", "'; --", "日本", "x" * 10_000, ""):
        _insert(gateway, guid)
        assert gateway.graphql(ONE, guid=guid)["execution"]["guid"] == guid


def test_a_guid_with_a_null_character_that_nobody_has_is_null(gateway: Gateway) -> None:
    _insert(gateway, "ab")
    assert gateway.graphql(ONE, guid="a\x00b") == {"execution": None}


def test_an_execution_outlives_its_agentflow(gateway: Gateway) -> None:
    _insert(gateway)
    gateway.sql("INSERT INTO agentflows (id, name) VALUES ('flow', 'Support agent')")
    gateway.sql("DELETE FROM agentflows")
    found = gateway.graphql(ONE, guid="abc")["execution"]
    assert (found["agentflowId"], found["agentflowName"]) == ("flow", None)


def test_renaming_an_agentflow_shows_at_once(gateway: Gateway) -> None:
    _insert(gateway)
    gateway.sql("INSERT INTO agentflows (id, name) VALUES ('flow', 'Old')")
    assert gateway.graphql(ONE, guid="abc")["execution"]["agentflowName"] == "Old"
    gateway.sql("UPDATE agentflows SET name = 'New'")
    assert gateway.graphql(ONE, guid="abc")["execution"]["agentflowName"] == "New"


def test_what_an_engine_writes_shows_at_once(gateway: Gateway) -> None:
    _insert(gateway)
    assert gateway.graphql(ONE, guid="abc")["execution"]["state"] == "INPROGRESS"
    gateway.sql("UPDATE executions SET state = 'FINISHED'")
    assert gateway.graphql(ONE, guid="abc")["execution"]["state"] == "FINISHED"
    gateway.sql("DELETE FROM executions")
    assert gateway.graphql(ONE, guid="abc") == {"execution": None}


def test_several_are_asked_for_at_once_under_aliases(gateway: Gateway) -> None:
    for guid in ("a", "b"):
        _insert(gateway, guid)
    query = '{ a: execution(guid: "a") { guid } b: execution(guid: "b") { guid } }'
    assert gateway.graphql(query) == {"a": {"guid": "a"}, "b": {"guid": "b"}}


def test_fields_behind_skip_and_include_follow_their_variables(gateway: Gateway) -> None:
    _insert(gateway)
    query = """query ($yes: Boolean!) {
      execution(guid: "abc") { guid @include(if: $yes) state @skip(if: $yes) }
    }"""
    assert gateway.graphql(query, yes=True)["execution"] == {"guid": "abc"}
    assert gateway.graphql(query, yes=False)["execution"] == {"state": "INPROGRESS"}
