"""When executions finished and how long they took, as the gateway answers and changes it."""

import sqlite3
from typing import Any

import pytest

from db.instants import format_ms
from db.models import ExecutionState
from tests.gateway import Gateway
from tests.sample import SAMPLE, START

FIELDS = "guid state createdOn updatedOn finishedOn durationMs"
ONE = f"query ($guid: ID!) {{ execution(guid: $guid) {{ {FIELDS} }} }}"
UPDATE_ONE = f"""mutation ($guid: ID!, $state: ExecutionState!) {{
  updateExecution(guid: $guid, input: {{state: $state}}) {{
    ... on UpdateExecutionSuccess {{ execution {{ {FIELDS} }} }}
  }}
}}"""
UPDATE_MANY = f"""mutation ($guids: [ID!]!, $state: ExecutionState!) {{
  updateExecutions(guids: $guids, input: {{state: $state}}) {{ executions {{ {FIELDS} }} }}
}}"""
UPDATE_MATCHING = """mutation ($filter: ExecutionFilter!, $state: ExecutionState!) {
  updateExecutionsMatching(filter: $filter, input: {state: $state}) { affected }
}"""
GUIDS = [row.guid for row in SAMPLE]


def _all(gateway: Gateway) -> dict[str, Any]:
    found = gateway.graphql(f"{{ executions(first: 100) {{ nodes {{ {FIELDS} }} }} }}")
    return {node["guid"]: node for node in found["executions"]["nodes"]}


def _times(gateway: Gateway) -> dict[str, tuple[str, int, int | None]]:
    rows = gateway.sql("SELECT guid, state, updated_on, finished_on FROM executions")
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def test_an_execution_tells_when_it_finished_and_how_long_it_took(sample_gateway: Gateway) -> None:
    for row in SAMPLE:
        told = sample_gateway.graphql(ONE, guid=row.guid)["execution"]
        end = None if row.finished_on is None else format_ms(row.finished_on)
        assert (told["finishedOn"], told["durationMs"]) == (end, row.duration_ms)


def test_a_duration_is_negative_if_the_end_is_before_the_beginning(gateway: Gateway) -> None:
    ended = SAMPLE[1]._replace(finished_on=SAMPLE[1].created_on - 5)
    gateway.insert([ended])
    assert gateway.graphql(ONE, guid=ended.guid)["execution"]["durationMs"] == -5


@pytest.mark.parametrize("state", [state.value for state in ExecutionState])
def test_an_update_answers_the_times_that_are_stored(gateway: Gateway, state: str) -> None:
    gateway.insert(SAMPLE)
    changed = gateway.graphql(UPDATE_MANY, guids=GUIDS[:12], state=state)["updateExecutions"]
    answers = changed["executions"]
    for guid in GUIDS[12:]:
        one = gateway.graphql(UPDATE_ONE, guid=guid, state=state)["updateExecution"]
        answers.append(one["execution"])
    assert {answer["guid"]: answer for answer in answers} == _all(gateway)
    before = {row.guid: row for row in SAMPLE}
    for guid, (stored, updated_on, finished_on) in _times(gateway).items():
        assert stored == state
        if before[guid].state == state:
            assert finished_on == before[guid].finished_on
        else:
            assert finished_on == (None if state == "INPROGRESS" else updated_on)


@pytest.mark.parametrize("state", ["STOPPED", "INPROGRESS"])
def test_a_change_of_all_that_match_ends_them_or_lets_them_go_on(
    gateway: Gateway, state: str
) -> None:
    gateway.insert(SAMPLE)
    gateway.graphql(UPDATE_MATCHING, filter={"guid": {"in": GUIDS}}, state=state)
    before = {row.guid: row for row in SAMPLE}
    for guid, (stored, updated_on, finished_on) in _times(gateway).items():
        assert stored == state
        if before[guid].state != state:
            assert finished_on == (None if state == "INPROGRESS" else updated_on)


def test_an_update_over_rest_ends_an_execution(gateway: Gateway) -> None:
    [running] = [row for row in SAMPLE[:7] if row.state == "INPROGRESS"][:1]
    gateway.insert([running])
    answer = gateway.http.put(f"/executions/{running.guid}", json={"state": "ERROR"})
    assert answer.status_code == 200
    assert "finishedOn" not in answer.json()
    [(_, updated_on, finished_on)] = _times(gateway).values()
    assert finished_on == updated_on > START


@pytest.mark.parametrize("many", [True, False])
def test_an_update_in_the_millisecond_of_the_last_change_answers_what_is_stored(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    monkeypatch.setattr("db.writing.changes.now_ms", lambda: START + 50_000)
    gateway.insert(SAMPLE[:1])
    guid = SAMPLE[0].guid
    for state in ("ERROR", "STOPPED", "INPROGRESS", "FINISHED"):
        if many:
            answer = gateway.graphql(UPDATE_MANY, guids=[guid, "nobody"], state=state)
            [told] = answer["updateExecutions"]["executions"]
        else:
            answer = gateway.graphql(UPDATE_ONE, guid=guid, state=state)
            told = answer["updateExecution"]["execution"]
        assert told == gateway.graphql(ONE, guid=guid)["execution"]


@pytest.mark.sqlite
def test_the_gateways_own_updates_need_no_second_write_by_a_trigger(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.sql(
        "CREATE TRIGGER only_once BEFORE UPDATE ON executions WHEN NEW.state = OLD.state"
        " BEGIN SELECT RAISE(ABORT, 'a second write'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="a second write"):
        gateway.sql("UPDATE executions SET state = 'TIMEOUT' WHERE state <> 'TIMEOUT'")
    gateway.graphql(UPDATE_ONE, guid=GUIDS[0], state="TIMEOUT")
    gateway.graphql(UPDATE_MANY, guids=GUIDS[1:5], state="TIMEOUT")
    gateway.graphql(UPDATE_MATCHING, filter={"guid": {"in": GUIDS}}, state="TIMEOUT")
    before = {row.guid: row for row in SAMPLE}
    for guid, (state, updated_on, finished_on) in _times(gateway).items():
        assert state == "TIMEOUT"
        if before[guid].state != state:
            assert finished_on == updated_on > START + 100_000
