"""Mutations of all executions that match a filter."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from db.source import ExecutionRow
from tests.filter_cases import CASES, Case
from tests.gateway import Gateway, bearer, insert, make_key, run_sql
from tests.places import Place
from tests.reference.filters import is_narrowing, matches
from tests.resolvers.both_ways import Both
from tests.sample import SAMPLE, START

DELETE = """
mutation ($filter: ExecutionFilter!, $dryRun: Boolean! = false, $limit: Int) {
  deleteExecutionsMatching(filter: $filter, dryRun: $dryRun, limit: $limit) { affected hasMore }
}
"""
UPDATE = """
mutation (
  $filter: ExecutionFilter!, $input: UpdateExecutionInput!, $dryRun: Boolean! = false, $limit: Int
) {
  updateExecutionsMatching(filter: $filter, input: $input, dryRun: $dryRun, limit: $limit) {
    affected hasMore
  }
}
"""
CONDITION = {"state": {"eq": "ERROR"}}
NO_CONDITION: list[dict[str, Any]] = [
    {},
    {"and": []},
    {"or": []},
    {"not": {}},
    {"not": {"or": []}},
    {"not": {"not": {}}},
    {"and": [{}, {"not": {}}]},
    {"or": [{}]},
    {"guid": {}},
    {"guid": None},
    {"guid": {"eq": None}},
    {"guid": {"eq": None, "in": None, "notIn": None, "isNull": None}},
    {"agentflowName": {"caseSensitive": True}},
    {"createdOn": {"gt": None}, "and": None, "or": None, "not": None},
    {"and": [{"guid": {}}, {"and": [{"state": {}}]}]},
    {"not": {"and": [{"not": {"or": [{"not": {}}]}}]}},
]
TRUE_BY_FORM: list[dict[str, Any]] = [
    {"or": [CONDITION, {}]},
    {"or": [CONDITION, {"and": []}]},
    {"or": [{"guid": {"eq": None}}, CONDITION]},
    {"guid": {"notIn": []}},
    {"state": {"notIn": []}},
    {"not": {"guid": {"in": []}}},
    {"not": {"and": [CONDITION, {"or": []}]}},
    {"not": {"and": [CONDITION, {"guid": {"in": []}}]}},
    {"and": [{"guid": {"notIn": []}}, {"or": [CONDITION, {"sessionId": {"notIn": []}}]}]},
    {"agentflowName": {"contains": ""}},
    {"agentflowName": {"startsWith": "", "caseSensitive": True}},
    {"guid": {"isNull": False}},
    {"not": {"agentflowId": {"isNull": True}}},
]
NARROWING = [case for case in CASES if case.graphql and is_narrowing(case.graphql)]


def _delete(gateway: Gateway, filter_: Any, **more: Any) -> Any:
    return gateway.graphql(DELETE, filter=filter_, **more)["deleteExecutionsMatching"]


def _update(gateway: Gateway, filter_: Any, change: Any, **more: Any) -> Any:
    answer = gateway.graphql(UPDATE, filter=filter_, input=change, **more)
    return answer["updateExecutionsMatching"]


def _stored(gateway: Gateway) -> list[tuple[Any, ...]]:
    return gateway.sql("SELECT * FROM executions ORDER BY id")


def _guids(gateway: Gateway) -> set[str]:
    return {guid for (guid,) in gateway.sql("SELECT guid FROM executions")}


def _many(count: int) -> list[ExecutionRow]:
    return [
        SAMPLE[0]._replace(
            id=number,
            guid=f"guid-{number}",
            state="INPROGRESS",
            created_on=START + number,
            updated_on=START + number,
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("filter_", [*NO_CONDITION, *TRUE_BY_FORM], ids=str)
def test_a_filter_that_narrows_nothing_is_refused_and_nothing_is_changed(
    gateway: Gateway, filter_: dict[str, Any]
) -> None:
    gateway.insert(SAMPLE[:3])
    before = _stored(gateway)
    for query, dry_run in itertools.product((DELETE, UPDATE), (False, True)):
        given: dict[str, Any] = {"filter": filter_, "dryRun": dry_run, "limit": 1}
        if query is UPDATE:
            given["input"] = {"state": "STOPPED"}
        code, message = gateway.refused(query, **given)
        assert code == "BAD_USER_INPUT"
        assert message.startswith("filter must have a condition")
    assert _stored(gateway) == before


@pytest.mark.parametrize(
    "filter_",
    [
        {"guid": {"in": []}},
        {"and": [CONDITION, {"or": []}]},
        {"not": {"or": [CONDITION, {}]}},
        {"guid": {"isNull": True}},
        {"not": {"agentflowId": {"isNull": False}}},
    ],
    ids=str,
)
def test_a_condition_that_nothing_meets_affects_nothing(
    gateway: Gateway, filter_: dict[str, Any]
) -> None:
    gateway.insert(SAMPLE)
    before = _stored(gateway)
    assert _delete(gateway, filter_) == {"affected": 0, "hasMore": False}
    assert _update(gateway, filter_, {"state": "STOPPED"}) == {"affected": 0, "hasMore": False}
    assert _stored(gateway) == before


def test_all_six_states_mean_every_execution(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    states = sorted({row.state for row in SAMPLE})
    assert len(states) == 6
    assert _delete(gateway, {"state": {"in": states}}) == {"affected": 24, "hasMore": False}
    assert _guids(gateway) == set()


def test_no_filter_at_all_is_not_valid(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    assert gateway.refused("mutation { deleteExecutionsMatching { affected } }")[0] == (
        "GRAPHQL_VALIDATION_FAILED"
    )
    assert gateway.refused(DELETE, filter=None)[0] == "BAD_USER_INPUT"
    assert len(_guids(gateway)) == 24


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(gateway: Gateway, limit: int) -> None:
    gateway.insert(SAMPLE)
    expected = ("BAD_USER_INPUT", f"limit must be 1 or more; got {limit}")
    assert gateway.refused(DELETE, filter=CONDITION, limit=limit) == expected
    assert gateway.refused(DELETE, filter=CONDITION, limit=limit, dryRun=True) == expected
    assert len(_guids(gateway)) == 24


def test_a_fault_in_one_of_several_changes_nothing(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    query = """mutation {
      first: deleteExecutionsMatching(filter: { state: { eq: ERROR } }) { affected }
      second: deleteExecutionsMatching(filter: { and: [] }) { affected }
      third: deleteExecutionsMatching(filter: { state: { eq: ERROR } }, limit: 0) { affected }
    }"""
    errors = gateway.post(query).json()["errors"]
    assert [error["path"] for error in errors] == [["second"], ["third"]]
    assert len(_guids(gateway)) == 24


@pytest.mark.parametrize("case", NARROWING, ids=lambda case: case.name)
def test_a_filter_affects_what_it_lists(gateway: Gateway, case: Case) -> None:
    gateway.insert(SAMPLE)
    matching = [row for row in SAMPLE if matches(row, case.graphql)]
    expected = {"affected": len(matching), "hasMore": False}
    before = _stored(gateway)
    assert _update(gateway, case.graphql, {"state": "STOPPED"}, dryRun=True) == expected
    assert _delete(gateway, case.graphql, dryRun=True) == expected
    assert _stored(gateway) == before
    assert _delete(gateway, case.graphql) == expected
    assert _guids(gateway) == {row.guid for row in SAMPLE} - {row.guid for row in matching}
    total = gateway.graphql("{ executions(first: 0) { totalCount } }")["executions"]["totalCount"]
    assert total == 24 - len(matching)


def test_an_update_sets_the_state_and_the_time_of_what_it_changes(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    expected = {"affected": 8, "hasMore": False}
    filter_ = {"state": {"in": ["ERROR", "STOPPED"]}}
    assert _update(gateway, filter_, {"state": "STOPPED"}, dryRun=True) == expected
    assert _update(gateway, filter_, {"state": "STOPPED"}) == expected
    for row, (guid, state, updated_on) in zip(
        SAMPLE,
        gateway.sql("SELECT guid, state, updated_on FROM executions ORDER BY id"),
        strict=True,
    ):
        assert guid == row.guid
        assert state == ("STOPPED" if row.state == "ERROR" else row.state)
        assert (updated_on != row.updated_on) == (row.state == "ERROR")


def test_an_update_with_an_expectation_affects_those_in_that_state(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    filter_ = {"agentflowId": {"in": ["flow-a", "flow-b"]}}
    change = {"state": "STOPPED", "expectedState": "INPROGRESS"}
    running = [
        row.guid
        for row in SAMPLE
        if row.agentflow_id in ("flow-a", "flow-b") and row.state == "INPROGRESS"
    ]
    stopped = {row.guid for row in SAMPLE if row.state == "STOPPED"}
    expected = {"affected": len(running), "hasMore": False}
    assert _update(gateway, filter_, change, dryRun=True) == expected
    assert _update(gateway, filter_, change) == expected
    now = gateway.sql("SELECT guid FROM executions WHERE state = 'STOPPED'")
    assert {guid for (guid,) in now} == stopped | set(running)


@pytest.mark.parametrize("change", [{}, {"state": None}, {"expectedState": "ERROR"}], ids=str)
def test_without_a_state_an_update_counts_and_changes_nothing(
    gateway: Gateway, change: dict[str, Any]
) -> None:
    gateway.insert(SAMPLE)
    before = _stored(gateway)
    of_flow = [row for row in SAMPLE if row.agentflow_id == "flow-a"]
    counted = [row for row in of_flow if change.get("expectedState") in (None, row.state)]
    filter_ = {"agentflowId": {"eq": "flow-a"}}
    assert _update(gateway, filter_, change) == {"affected": len(counted), "hasMore": False}
    assert _stored(gateway) == before


@pytest.mark.parametrize("change", [{"state": "ERROR", "expectedState": "ERROR"}, {}])
def test_an_update_that_changes_nothing_counts_no_more_than_its_limit(
    gateway: Gateway, change: dict[str, str]
) -> None:
    gateway.insert(SAMPLE)
    given = {"filter": {"state": {"eq": "ERROR"}}, "input": change, "limit": 3}
    expected = {"affected": 3, "hasMore": False}
    for dry_run in (True, False):
        data = gateway.graphql(UPDATE, **given, dryRun=dry_run)
        assert data["updateExecutionsMatching"] == expected


def test_a_limit_is_kept_exactly_and_called_again_nothing_is_left(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answers: list[Any] = []
    while not answers or answers[-1]["hasMore"]:
        would_be = _delete(gateway, {"state": {"eq": "ERROR"}}, limit=3, dryRun=True)
        answers.append(_delete(gateway, {"state": {"eq": "ERROR"}}, limit=3))
        assert answers[-1] == would_be
    assert [answer["affected"] for answer in answers] == [3, 1]
    assert gateway.sql("SELECT guid FROM executions WHERE state = 'ERROR'") == []


def test_a_call_ends_in_time_and_more_calls_do_the_rest(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_matching_seconds=1e-9)
    gateway.insert(_many(700))
    affected = [0]
    more = True
    while more:
        answer = _delete(gateway, {"state": {"eq": "INPROGRESS"}})
        affected.append(answer["affected"])
        more = answer["hasMore"]
        assert len(_guids(gateway)) == 700 - sum(affected)
    assert len(affected) > 2
    assert sum(affected) == 700


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("read", set()),
        ("update", {"updateExecutionsMatching"}),
        ("delete", {"deleteExecutionsMatching"}),
    ],
)
def test_a_key_needs_the_scope_of_the_change(
    gateway_with: Callable[..., Gateway], scope: str, may: set[str]
) -> None:
    gateway = gateway_with(auth="keys")
    headers = bearer(make_key(gateway.place, scope))
    filter_ = {"guid": {"eq": "nobody"}}
    for name, query in (("deleteExecutionsMatching", DELETE), ("updateExecutionsMatching", UPDATE)):
        given: dict[str, Any] = {"filter": filter_, "dryRun": True}
        if query is UPDATE:
            given["input"] = {"state": "STOPPED"}
        body = {"query": query, "variables": given}
        answer = gateway.http.post("/graphql", json=body, headers=headers).json()
        if name in may:
            assert answer == {"data": {name: {"affected": 0, "hasMore": False}}}
        else:
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_plans_and_graphql_core_answer_alike(place: Place) -> None:
    insert(place, SAMPLE)
    given = {"filter": {"state": {"eq": "ERROR"}}, "limit": 2}
    answers = []
    for way in (0, 1):
        run_sql(place, "DELETE FROM executions")
        insert(place, SAMPLE)
        opened = Both(place)
        answers.append((opened.run_one(way, DELETE, given), opened.run_one(way, DELETE, given)))
        opened.close()
    assert answers[0] == answers[1]
    assert b'"affected":2,"hasMore":true' in (answers[0][0] or b"")
    assert b'"affected":2,"hasMore":false' in (answers[0][1] or b"")
