"""The documented routes of executions: their responses and statuses."""

import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from db.models import ExecutionState
from tests.gateway import Gateway
from tests.reference import ordered
from tests.sample import SAMPLE, START
from tests.server.rest.requests import ONE, as_json, count_of, delete_guids, error_of

NEWEST_FIRST = ordered(SAMPLE)


# Finding many


def test_the_list_is_a_bare_array_of_all_executions_newest_first(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [as_json(row) for row in NEWEST_FIRST]


def test_the_list_of_none_is_an_empty_array(gateway: Gateway) -> None:
    assert gateway.http.get("/executions").text == "[]"


def test_the_whole_list_has_no_headers_of_a_page(sample_gateway: Gateway) -> None:
    headers = sample_gateway.http.get("/executions").headers
    assert "x-total-count" not in headers
    assert "link" not in headers


def test_executions_of_the_same_millisecond_come_with_the_highest_id_first(
    gateway: Gateway,
) -> None:
    gateway.insert(ONE._replace(id=number, guid=f"guid-{number}") for number in (7, 3, 9))
    assert [row["id"] for row in gateway.http.get("/executions").json()] == [9, 7, 3]


def test_a_page_holds_twelve_when_no_limit_is_given(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?page=1")
    assert answer.json() == [as_json(row) for row in NEWEST_FIRST[:12]]


def test_a_limit_without_a_page_is_the_first_page(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?limit=5")
    assert answer.json() == [as_json(row) for row in NEWEST_FIRST[:5]]


def test_a_page_is_that_part_of_the_list(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?page=3&limit=5")
    assert answer.json() == [as_json(row) for row in NEWEST_FIRST[10:15]]


def test_a_page_says_how_many_match_on_all_pages(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?page=2&limit=1&state=ERROR")
    assert answer.headers["x-total-count"] == str(sum(row.state == "ERROR" for row in SAMPLE))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (1, {"first": "1", "next": "2", "last": "3"}),
        (2, {"first": "1", "prev": "1", "next": "3", "last": "3"}),
        (3, {"first": "1", "prev": "2", "last": "3"}),
        (9, {"first": "1", "prev": "3", "last": "3"}),
    ],
    ids=["first", "middle", "last", "beyond the last"],
)
def test_a_page_links_to_its_neighbours(
    sample_gateway: Gateway, page: int, expected: dict[str, str]
) -> None:
    answer = sample_gateway.http.get("/executions", params={"page": page, "limit": 10})
    links = {name: httpx.URL(link["url"]).params for name, link in answer.links.items()}
    assert {name: params["page"] for name, params in links.items() if name} == expected
    assert {params["limit"] for params in links.values()} == {"10"}


def test_the_only_page_links_to_itself_alone(gateway: Gateway) -> None:
    answer = gateway.http.get("/executions?page=1")
    assert answer.json() == []
    assert answer.headers["x-total-count"] == "0"
    assert set(answer.links) == {"first", "last"}


def test_a_page_beyond_the_last_is_empty(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?page=2147483647&limit=1000")
    assert answer.status_code == 200
    assert answer.json() == []


@pytest.mark.parametrize("limit", [1, 7, 8, 23, 24, 25])
def test_following_the_next_links_shows_every_execution_once(
    sample_gateway: Gateway, limit: int
) -> None:
    seen, pages = [], 0
    url: str | None = f"/executions?limit={limit}"
    while url:
        answer = sample_gateway.http.get(url)
        seen += [row["guid"] for row in answer.json()]
        pages += 1
        assert pages <= len(SAMPLE)
        url = answer.links.get("next", {}).get("url")
    assert seen == [row.guid for row in NEWEST_FIRST]
    assert pages == math.ceil(len(SAMPLE) / limit)


def test_following_the_links_keeps_the_filters(sample_gateway: Gateway) -> None:
    filters = {"agentflowName": "GRÖSSE", "state": "INPROGRESS,ERROR,STOPPED", "sessionId": ""}
    everything = sample_gateway.http.get("/executions", params=filters).json()
    first = sample_gateway.http.get("/executions", params={**filters, "limit": "1"})
    last = sample_gateway.http.get(first.links["last"]["url"])
    assert int(first.headers["x-total-count"]) == len(everything) > 1
    assert first.json() + last.json() == [everything[0], everything[-1]]


def test_a_link_of_a_prefixed_gateway_can_be_followed(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(rest_prefix="/api/v1")
    gateway.insert(SAMPLE)
    first = gateway.http.get("/api/v1/executions?limit=20")
    assert len(gateway.http.get(first.links["next"]["url"]).json()) == 4


# Finding one


def test_one_execution_is_answered_as_it_is_in_the_list(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get(f"/executions/{ONE.guid}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == as_json(ONE)


def test_an_execution_has_exactly_the_keys_of_the_contract_in_their_order(
    sample_gateway: Gateway,
) -> None:
    assert list(sample_gateway.http.get(f"/executions/{ONE.guid}").json()) == [
        "id",
        "guid",
        "agentflowId",
        "agentflowName",
        "sessionId",
        "state",
        "created_on",
    ]


def test_an_execution_without_session_and_agentflow_has_nulls(gateway: Gateway) -> None:
    gateway.insert([ONE._replace(session_id=None, agentflow_name=None)])
    found = gateway.http.get(f"/executions/{ONE.guid}").json()
    assert found["sessionId"] is None
    assert found["agentflowName"] is None
    assert found["agentflowId"] == ONE.agentflow_id


def test_the_documented_example_is_answered(gateway: Gateway) -> None:
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES ('execution-guid-12345', 'flow-guid-12345', NULL, 'FINISHED', 1700000000000)"
    )
    example = {
        "id": 1,
        "guid": "execution-guid-12345",
        "agentflowId": "flow-guid-12345",
        "state": "FINISHED",
        "created_on": 1700000000000,
    }
    [listed] = gateway.http.get("/executions").json()
    assert example.items() <= listed.items()
    assert listed == gateway.http.get("/executions/execution-guid-12345").json()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_guid_is_404(gateway: Gateway, method: str) -> None:
    gateway.insert([ONE])
    body = {"state": "STOPPED"} if method == "PUT" else None
    answer = gateway.http.request(method, "/executions/abc", json=body)
    assert error_of(answer, 404, "NOT_FOUND") == "Execution 'abc' not found"
    assert gateway.http.get("/executions").json() == [as_json(ONE)]


# Updating


@pytest.mark.parametrize("state", list(ExecutionState))
def test_an_update_sets_the_state_and_answers_the_execution(
    gateway: Gateway, state: ExecutionState
) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.http.put(f"/executions/{ONE.guid}", json={"state": state})
    assert answer.status_code == 200
    assert answer.json() == {**as_json(ONE), "state": state}
    expected = [as_json(row._replace(state=state) if row is ONE else row) for row in NEWEST_FIRST]
    assert gateway.http.get("/executions").json() == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"guid": "other", "id": 99, "created_on": "nonsense"},
        {"agentflowId": None, "sessionId": {"a": [1]}, "agentflowName": 3, "more": True},
    ],
    ids=["nothing", "keys of an execution", "odd values and unknown keys"],
)
def test_an_update_without_a_state_leaves_the_execution_as_it_is(
    gateway: Gateway, body: dict[str, Any]
) -> None:
    gateway.insert([ONE])
    before = gateway.sql("SELECT * FROM executions")
    answer = gateway.http.put(f"/executions/{ONE.guid}", json=body)
    assert answer.status_code == 200
    assert answer.json() == as_json(ONE)
    assert gateway.sql("SELECT * FROM executions") == before


def test_a_client_may_send_back_the_execution_that_it_got(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    got = gateway.http.get(f"/executions/{ONE.guid}").json()
    answer = gateway.http.put(f"/executions/{ONE.guid}", json={**got, "state": "TIMEOUT"})
    assert answer.status_code == 200
    assert answer.json() == {**got, "state": "TIMEOUT"}


def test_an_update_changes_nothing_but_the_state(gateway: Gateway) -> None:
    gateway.insert([ONE])
    sent = {"state": "TIMEOUT", "guid": "x", "id": 9, "agentflowId": "x", "created_on": 1}
    assert gateway.http.put(f"/executions/{ONE.guid}", json=sent).status_code == 200
    assert gateway.http.get("/executions").json() == [as_json(ONE._replace(state="TIMEOUT"))]


# Deleting


def test_deleting_one_deletes_it_alone(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.http.delete(f"/executions/{ONE.guid}")
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": 1}
    left = [as_json(row) for row in NEWEST_FIRST if row is not ONE]
    assert gateway.http.get("/executions").json() == left


def test_what_is_deleted_is_404_from_then_on(gateway: Gateway) -> None:
    gateway.insert([ONE])
    url = f"/executions/{ONE.guid}"
    assert gateway.http.delete(url).status_code == 200
    assert gateway.http.get(url).status_code == 404
    assert gateway.http.delete(url).status_code == 404


def test_deleting_many_deletes_those_and_says_how_many(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = delete_guids(gateway, [row.guid for row in SAMPLE[:2]])
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": 2}
    left = [as_json(row) for row in NEWEST_FIRST if row not in SAMPLE[:2]]
    assert gateway.http.get("/executions").json() == left


def test_deleting_many_counts_a_guid_that_comes_twice_once(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    assert delete_guids(gateway, [ONE.guid, ONE.guid, ONE.guid]).json()["affected"] == 1


@pytest.mark.parametrize(
    ("guids", "affected"),
    [(["nobody"], 0), (["", "nobody"], 0), (["nobody", ONE.guid], 1)],
    ids=["unknown alone", "empty text", "unknown and known"],
)
def test_deleting_many_does_not_count_unknown_guids(
    gateway: Gateway, guids: list[str], affected: int
) -> None:
    gateway.insert([ONE])
    answer = delete_guids(gateway, guids)
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": affected}


def test_ten_thousand_executions_are_deleted_in_one_call(gateway: Gateway) -> None:
    gateway.insert(
        ONE._replace(id=number, guid=f"guid-{number}", created_on=START + number)
        for number in range(1, 10_002)
    )
    answer = delete_guids(gateway, [f"guid-{number}" for number in range(1, 10_001)])
    assert answer.json() == {"raw": [], "affected": 10_000}
    assert [row["guid"] for row in gateway.http.get("/executions").json()] == ["guid-10001"]


def test_deleting_many_is_all_or_nothing(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.place.refuse("DELETE", "OLD.id = 20")
    assert delete_guids(gateway, [row.guid for row in SAMPLE]).status_code == 500
    assert count_of(gateway) == len(SAMPLE)
