"""Mutations: what they change, what they answer, and that each is one transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.sample import SAMPLE, START

UPDATE = """
mutation ($guid: ID!, $input: UpdateExecutionInput!) {
  updateExecution(guid: $guid, input: $input) {
    __typename
    ... on UpdateExecutionSuccess { execution { guid state updatedOn } }
    ... on ExecutionNotFound { message guid }
    ... on ExecutionStateConflict { message expectedState execution { guid state } }
  }
}
"""
UPDATE_MANY = """
mutation ($guids: [ID!]!, $input: UpdateExecutionInput!) {
  updateExecutions(guids: $guids, input: $input) {
    affected notFound executions { guid state } conflicts { guid state }
  }
}
"""
DELETE = """
mutation ($guid: ID!) {
  deleteExecution(guid: $guid) {
    __typename
    ... on DeleteExecutionSuccess { guid }
    ... on ExecutionNotFound { message guid }
  }
}
"""
DELETE_MANY = """
mutation ($guids: [ID!]!) { deleteExecutions(guids: $guids) { affected deleted notFound } }
"""
RUNNING = next(row for row in SAMPLE if row.state == "INPROGRESS")


def _update(gateway: Gateway, guid: str, **change: str | None) -> Any:
    return gateway.graphql(UPDATE, guid=guid, input=change)["updateExecution"]


def _update_many(gateway: Gateway, guids: list[str], **change: str | None) -> Any:
    return gateway.graphql(UPDATE_MANY, guids=guids, input=change)["updateExecutions"]


def _delete_many(gateway: Gateway, guids: list[str]) -> Any:
    return gateway.graphql(DELETE_MANY, guids=guids)["deleteExecutions"]


def _states(gateway: Gateway) -> dict[str, str]:
    return dict(gateway.sql("SELECT guid, state FROM executions"))


def _running(count: int) -> list[ExecutionRow]:
    return [
        ExecutionRow(
            id=number,
            guid=f"guid-{number}",
            agentflow_id="flow",
            agentflow_name=None,
            session_id=None,
            state="INPROGRESS",
            created_on=START + number,
            updated_on=START + number,
        )
        for number in range(1, count + 1)
    ]


# One execution


@pytest.mark.parametrize("state", [state.value for state in ExecutionState])
def test_an_update_sets_the_state_and_answers_the_execution(gateway: Gateway, state: str) -> None:
    gateway.insert([RUNNING])
    answer = _update(gateway, RUNNING.guid, state=state)
    assert answer["__typename"] == "UpdateExecutionSuccess"
    assert answer["execution"]["guid"] == RUNNING.guid
    assert answer["execution"]["state"] == state == _states(gateway)[RUNNING.guid]


def test_an_update_moves_the_time_of_the_last_change(gateway: Gateway) -> None:
    gateway.insert([RUNNING])
    before = gateway.sql("SELECT updated_on FROM executions")[0][0]
    _update(gateway, RUNNING.guid, state="STOPPED")
    assert gateway.sql("SELECT updated_on FROM executions")[0][0] > before


def test_an_update_changes_no_other_execution(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    before = _states(gateway)
    _update(gateway, RUNNING.guid, state="STOPPED")
    assert _states(gateway) == before | {RUNNING.guid: "STOPPED"}


@pytest.mark.parametrize("change", [{}, {"state": None}, {"expectedState": "INPROGRESS"}], ids=str)
def test_without_a_state_an_update_leaves_the_execution_as_it_is(
    gateway: Gateway, change: dict[str, str | None]
) -> None:
    gateway.insert([RUNNING])
    before = gateway.sql("SELECT * FROM executions")
    assert _update(gateway, RUNNING.guid, **change)["execution"]["state"] == "INPROGRESS"
    assert gateway.sql("SELECT * FROM executions") == before


def test_an_update_of_no_execution_is_an_answer_and_no_error(gateway: Gateway) -> None:
    assert _update(gateway, "nobody", state="STOPPED") == {
        "__typename": "ExecutionNotFound",
        "message": "Execution 'nobody' not found",
        "guid": "nobody",
    }


def test_an_update_with_the_right_expectation_goes_through(gateway: Gateway) -> None:
    gateway.insert([RUNNING])
    answer = _update(gateway, RUNNING.guid, state="STOPPED", expectedState="INPROGRESS")
    assert answer["execution"]["state"] == "STOPPED"


def test_an_update_with_a_wrong_expectation_changes_nothing_and_shows_what_is(
    gateway: Gateway,
) -> None:
    gateway.insert([RUNNING])
    before = gateway.sql("SELECT * FROM executions")
    assert _update(gateway, RUNNING.guid, state="STOPPED", expectedState="ERROR") == {
        "__typename": "ExecutionStateConflict",
        "message": "Execution is INPROGRESS, not ERROR; it was left as it is",
        "expectedState": "ERROR",
        "execution": {"guid": RUNNING.guid, "state": "INPROGRESS"},
    }
    assert gateway.sql("SELECT * FROM executions") == before


def test_of_many_that_expect_the_same_state_exactly_one_wins(gateway: Gateway) -> None:
    gateway.insert([RUNNING])
    targets = ["FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"] * 4

    def race(state: str) -> Any:
        return _update(gateway, RUNNING.guid, state=state, expectedState="INPROGRESS")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, targets))
    won = [each for each in answers if each["__typename"] == "UpdateExecutionSuccess"]
    assert len(won) == 1
    assert won[0]["execution"]["state"] == _states(gateway)[RUNNING.guid]


def test_a_state_outside_the_six_is_refused(gateway: Gateway) -> None:
    gateway.insert([RUNNING])
    code, message = gateway.refused(UPDATE, guid=RUNNING.guid, input={"state": "DONE"})
    assert code == "BAD_USER_INPUT"
    assert "DONE" in message


def test_deleting_an_execution_answers_its_guid_and_it_is_gone(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.graphql(DELETE, guid=RUNNING.guid)["deleteExecution"]
    assert answer == {"__typename": "DeleteExecutionSuccess", "guid": RUNNING.guid}
    assert RUNNING.guid not in _states(gateway)
    assert len(_states(gateway)) == len(SAMPLE) - 1


DELETED_IDS = """
mutation ($guids: [ID!]!, $guid: ID!) {
  deleteExecution(guid: $guid) { ... on DeleteExecutionSuccess { id guid } }
  deleteExecutions(guids: $guids) { deleted deletedIds notFound }
}
"""


def test_deletions_answer_the_ids_by_which_caches_know_the_deleted(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    nodes = gateway.graphql("{ executions { nodes { id guid } } }")["executions"]["nodes"]
    ids = {node["guid"]: node["id"] for node in nodes}
    one, two, three = list(ids)[:3]
    answer = gateway.graphql(DELETED_IDS, guid=one, guids=[three, "nobody", two, three])
    assert answer == {
        "deleteExecution": {"id": ids[one], "guid": one},
        "deleteExecutions": {
            "deleted": [three, two],
            "deletedIds": [ids[three], ids[two]],
            "notFound": ["nobody"],
        },
    }


def test_deleting_no_execution_is_an_answer_and_no_error(gateway: Gateway) -> None:
    assert gateway.graphql(DELETE, guid="nobody")["deleteExecution"] == {
        "__typename": "ExecutionNotFound",
        "message": "Execution 'nobody' not found",
        "guid": "nobody",
    }


# Many executions


def test_updating_many_answers_them_in_the_order_of_the_guids(gateway: Gateway) -> None:
    gateway.insert(_running(5))
    guids = ["guid-4", "guid-1", "guid-3"]
    assert _update_many(gateway, guids, state="STOPPED") == {
        "affected": 3,
        "notFound": [],
        "executions": [{"guid": guid, "state": "STOPPED"} for guid in guids],
        "conflicts": [],
    }


def test_updating_many_tells_the_changed_the_conflicting_and_the_unknown_apart(
    gateway: Gateway,
) -> None:
    gateway.insert(_running(3))
    gateway.sql("UPDATE executions SET state = 'FINISHED' WHERE guid = 'guid-2'")
    guids = ["guid-1", "nobody", "guid-2", "guid-3"]
    assert _update_many(gateway, guids, state="STOPPED", expectedState="INPROGRESS") == {
        "affected": 2,
        "notFound": ["nobody"],
        "executions": [
            {"guid": "guid-1", "state": "STOPPED"},
            {"guid": "guid-3", "state": "STOPPED"},
        ],
        "conflicts": [{"guid": "guid-2", "state": "FINISHED"}],
    }


def test_deleting_many_tells_the_deleted_and_the_unknown_apart(gateway: Gateway) -> None:
    gateway.insert(_running(3))
    assert _delete_many(gateway, ["guid-3", "nobody", "guid-1"]) == {
        "affected": 2,
        "deleted": ["guid-3", "guid-1"],
        "notFound": ["nobody"],
    }
    assert list(_states(gateway)) == ["guid-2"]


def test_a_guid_that_comes_twice_counts_once(gateway: Gateway) -> None:
    gateway.insert(_running(1))
    assert _update_many(gateway, ["guid-1", "x", "guid-1", "x"], state="ERROR")["affected"] == 1
    assert _delete_many(gateway, ["guid-1", "x", "guid-1", "x"]) == {
        "affected": 1,
        "deleted": ["guid-1"],
        "notFound": ["x"],
    }


def test_no_guids_change_nothing(gateway: Gateway) -> None:
    gateway.insert(_running(1))
    assert _update_many(gateway, [], state="ERROR")["affected"] == 0
    assert _delete_many(gateway, []) == {"affected": 0, "deleted": [], "notFound": []}
    assert _states(gateway) == {"guid-1": "INPROGRESS"}


def test_ten_thousand_guids_in_one_call_work(gateway: Gateway) -> None:
    rows = _running(10_000)
    gateway.insert(rows)
    guids = [row.guid for row in rows]
    updated = _update_many(gateway, guids, state="STOPPED")
    assert updated["affected"] == 10_000
    assert [each["guid"] for each in updated["executions"]] == guids
    deleted = _delete_many(gateway, guids)
    assert deleted["affected"] == 10_000
    assert deleted["deleted"] == guids
    assert _states(gateway) == {}


@pytest.mark.parametrize(
    ("event", "run"),
    [
        ("UPDATE", lambda: (UPDATE_MANY, {"input": {"state": "STOPPED"}})),
        ("DELETE", lambda: (DELETE_MANY, {})),
    ],
    ids=["update", "delete"],
)
def test_what_fails_half_way_changes_nothing(
    gateway: Gateway, event: str, run: Callable[[], tuple[str, dict[str, Any]]]
) -> None:
    gateway.insert(_running(20))
    gateway.place.refuse(event, "OLD.id = 15")
    before = gateway.sql("SELECT * FROM executions")
    query, variables = run()
    guids = [f"guid-{number}" for number in range(1, 21)]
    code, message = gateway.refused(query, guids=guids, **variables)
    assert (code, message) == ("INTERNAL_SERVER_ERROR", "Internal server error")
    assert gateway.sql("SELECT * FROM executions") == before
