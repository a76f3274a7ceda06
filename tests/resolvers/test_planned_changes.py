"""Mutations by their plans: answered as graphql-core does, and never made twice."""

from typing import Any

import pytest

from resolvers.changes import AlreadyCommitted
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.resolvers.both_ways import Both
from tests.sample import SAMPLE

UPDATE = """
mutation ($guid: ID!, $input: UpdateExecutionInput!) {
  renamed: updateExecution(guid: $guid, input: $input) {
    __typename
    ... on UpdateExecutionSuccess { execution { ...Parts again: guid } }
    ... on UserError { message }
    ... on ExecutionNotFound { guid }
    ... on ExecutionStateConflict { execution { ...Parts } expectedState }
  }
}
fragment Parts on Execution {
  id databaseId guid state agentflowName sessionId createdOn __typename
}
"""
UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("guid-07", {"state": "STOPPED"}),
    ("guid-07", {"state": "STOPPED", "expectedState": "INPROGRESS"}),
    ("guid-07", {"state": "STOPPED", "expectedState": "ERROR"}),
    ("guid-07", {"state": "INPROGRESS"}),
    ("guid-07", {}),
    ("guid-07", {"state": None, "expectedState": None}),
    ("guid-07", {"expectedState": "ERROR"}),
    ("no 'one'", {"state": "STOPPED"}),
]


@pytest.mark.parametrize(("guid", "given"), UPDATES, ids=range(len(UPDATES)))
def test_an_update_is_answered_alike(place: Place, guid: str, given: dict[str, Any]) -> None:
    insert(place, SAMPLE)
    variables = {"guid": guid, "input": given}
    answers = []
    for way in (0, 1):
        run_sql(place, "UPDATE executions SET state = 'INPROGRESS', updated_on = 1")
        fresh = Both(place)
        answers.append(fresh.run_one(way, UPDATE, variables))
        fresh.close()
        changed = given.get("state") not in (None, "INPROGRESS") and guid == "guid-07"
        expected = given.get("expectedState") in (None, "INPROGRESS")
        [(state,)] = run_sql(place, "SELECT state FROM executions WHERE guid = 'guid-07'")
        assert state == (given["state"] if changed and expected else "INPROGRESS")
    assert answers[0] == answers[1]
    assert b"errors" not in (answers[0] or b"errors")


UPDATE_MANY = """
mutation ($guids: [ID!]!, $input: UpdateExecutionInput!) {
  renamed: updateExecutions(guids: $guids, input: $input) {
    affected notFound __typename
    executions { ...Parts again: guid } conflicts { ...Parts }
  }
}
fragment Parts on Execution {
  id databaseId guid state agentflowName sessionId createdOn __typename
}
"""
DELETE_MANY = """
mutation ($guids: [ID!]!) {
  deleteExecutions(guids: $guids) { deleted count: affected ... { notFound } __typename }
}
"""
MANY: list[tuple[str, dict[str, Any]]] = [
    (query, {"guids": guids, **more})
    for guids in (
        ["guid-07", "nobody", "guid-14", "guid-07"],
        ["guid-07"],
        "guid-14",
        [],
        ["nobody"],
    )
    for query, more in (
        (DELETE_MANY, {}),
        (UPDATE_MANY, {"input": {"state": "STOPPED"}}),
        (UPDATE_MANY, {"input": {"state": "STOPPED", "expectedState": "INPROGRESS"}}),
        (UPDATE_MANY, {"input": {"state": "INPROGRESS"}}),
        (UPDATE_MANY, {"input": {}}),
    )
]


@pytest.mark.parametrize(("query", "variables"), MANY, ids=range(len(MANY)))
def test_a_change_of_many_is_answered_alike(
    place: Place, query: str, variables: dict[str, Any]
) -> None:
    answers = []
    for way in (0, 1):
        run_sql(place, "DELETE FROM executions")
        insert(place, SAMPLE)
        run_sql(place, "UPDATE executions SET state = 'ERROR' WHERE guid = 'guid-14'")
        fresh = Both(place)
        answer = fresh.run_one(way, query, variables)
        fresh.close()
        answers.append((answer, run_sql(place, "SELECT guid, state FROM executions ORDER BY id")))
    assert answers[0] == answers[1]
    assert b"errors" not in (answers[0][0] or b"errors")


def test_a_change_of_many_that_can_not_be_answered_is_not_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(place, SAMPLE)
    monkeypatch.setattr("resolvers.changes.graphql_int", lambda _: 1 / 0)
    opened = Both(place)
    with pytest.raises(AlreadyCommitted):
        opened.run_one(0, DELETE_MANY, {"guids": ["guid-07"]})
    opened.close()


def test_an_update_that_can_not_be_answered_is_not_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(place, SAMPLE)
    calls = []

    def broken(guid: str) -> str:
        calls.append(guid)
        raise RuntimeError("broken")

    monkeypatch.setattr("resolvers.changes.not_found_message", broken)
    opened = Both(place)
    with pytest.raises(AlreadyCommitted):
        opened.run_one(0, UPDATE, {"guid": "nobody", "input": {"state": "ERROR"}})
    opened.close()
    assert calls == ["nobody"]


def test_several_changes_are_left_to_graphql_core(place: Place) -> None:
    opened = Both(place)
    change = 'updateExecution(guid: "g", input: {state: ERROR}) { __typename }'
    assert opened.run_one(0, f"mutation {{ a: {change} b: {change} }}", {}) is None
    opened.close()
