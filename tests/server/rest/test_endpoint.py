"""The documented routes of executions: their responses and statuses."""

import logging
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.places import file_of
from tests.reference import ordered
from tests.sample import SAMPLE, START

ONE = SAMPLE[1]
NEWEST_FIRST = ordered(SAMPLE)


def _as_json(row: ExecutionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "guid": row.guid,
        "agentflowId": row.agentflow_id,
        "agentflowName": row.agentflow_name,
        "sessionId": row.session_id,
        "state": row.state,
        "created_on": row.created_on,
    }


def _delete(gateway: Gateway, guids: object) -> httpx.Response:
    return gateway.http.request("DELETE", "/executions", json={"executionIds": guids})


def _error(answer: httpx.Response, status: int, code: str) -> str:
    body = answer.json()
    message = body.pop("message")
    assert isinstance(message, str)
    assert body == {"statusCode": status, "success": False, "code": code}
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    return message


def _count(gateway: Gateway) -> int:
    [(count,)] = gateway.sql("SELECT count(*) FROM executions")
    return int(count)


# Finding many


def test_the_list_is_a_bare_array_of_all_executions_newest_first(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [_as_json(row) for row in NEWEST_FIRST]


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
    assert answer.json() == [_as_json(row) for row in NEWEST_FIRST[:12]]


def test_a_limit_without_a_page_is_the_first_page(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?limit=5")
    assert answer.json() == [_as_json(row) for row in NEWEST_FIRST[:5]]


def test_a_page_is_that_part_of_the_list(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?page=3&limit=5")
    assert answer.json() == [_as_json(row) for row in NEWEST_FIRST[10:15]]


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
    assert answer.json() == _as_json(ONE)


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
    assert _error(answer, 404, "NOT_FOUND") == "Execution 'abc' not found"
    assert gateway.http.get("/executions").json() == [_as_json(ONE)]


# Updating


@pytest.mark.parametrize("state", list(ExecutionState))
def test_an_update_sets_the_state_and_answers_the_execution(
    gateway: Gateway, state: ExecutionState
) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.http.put(f"/executions/{ONE.guid}", json={"state": state})
    assert answer.status_code == 200
    assert answer.json() == {**_as_json(ONE), "state": state}
    expected = [_as_json(row._replace(state=state) if row is ONE else row) for row in NEWEST_FIRST]
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
    assert answer.json() == _as_json(ONE)
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
    assert gateway.http.get("/executions").json() == [_as_json(ONE._replace(state="TIMEOUT"))]


# Deleting


def test_deleting_one_deletes_it_alone(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.http.delete(f"/executions/{ONE.guid}")
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": 1}
    left = [_as_json(row) for row in NEWEST_FIRST if row is not ONE]
    assert gateway.http.get("/executions").json() == left


def test_what_is_deleted_is_404_from_then_on(gateway: Gateway) -> None:
    gateway.insert([ONE])
    url = f"/executions/{ONE.guid}"
    assert gateway.http.delete(url).status_code == 200
    assert gateway.http.get(url).status_code == 404
    assert gateway.http.delete(url).status_code == 404


def test_deleting_many_deletes_those_and_says_how_many(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = _delete(gateway, [row.guid for row in SAMPLE[:2]])
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": 2}
    left = [_as_json(row) for row in NEWEST_FIRST if row not in SAMPLE[:2]]
    assert gateway.http.get("/executions").json() == left


def test_deleting_many_counts_a_guid_that_comes_twice_once(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    assert _delete(gateway, [ONE.guid, ONE.guid, ONE.guid]).json()["affected"] == 1


@pytest.mark.parametrize(
    ("guids", "affected"),
    [(["nobody"], 0), (["", "nobody"], 0), (["nobody", ONE.guid], 1)],
    ids=["unknown alone", "empty text", "unknown and known"],
)
def test_deleting_many_does_not_count_unknown_guids(
    gateway: Gateway, guids: list[str], affected: int
) -> None:
    gateway.insert([ONE])
    answer = _delete(gateway, guids)
    assert answer.status_code == 200
    assert answer.json() == {"raw": [], "affected": affected}


def test_ten_thousand_executions_are_deleted_in_one_call(gateway: Gateway) -> None:
    gateway.insert(
        ONE._replace(id=number, guid=f"guid-{number}", created_on=START + number)
        for number in range(1, 10_002)
    )
    answer = _delete(gateway, [f"guid-{number}" for number in range(1, 10_001)])
    assert answer.json() == {"raw": [], "affected": 10_000}
    assert [row["guid"] for row in gateway.http.get("/executions").json()] == ["guid-10001"]


def test_deleting_many_is_all_or_nothing(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.place.refuse("DELETE", "OLD.id = 20")
    assert _delete(gateway, [row.guid for row in SAMPLE]).status_code == 500
    assert _count(gateway) == len(SAMPLE)


# Methods


@pytest.mark.parametrize(
    "template", ["/executions", "/executions?page=2&limit=5", "/executions/{}"]
)
def test_head_answers_the_headers_of_get_and_no_body(
    sample_gateway: Gateway, template: str
) -> None:
    url = template.format(ONE.guid)
    got, headed = sample_gateway.http.get(url), sample_gateway.http.head(url)
    assert headed.status_code == 200
    assert headed.content == b""
    for name in ("content-type", "x-total-count", "link"):
        assert headed.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(("url", "status"), [("/executions/abc", 404), ("/executions?page=0", 400)])
def test_head_fails_as_get_does_without_a_body(
    sample_gateway: Gateway, url: str, status: int
) -> None:
    answer = sample_gateway.http.head(url)
    assert answer.status_code == status
    assert answer.content == b""


_ALLOWED = {
    "/executions": "DELETE, GET, HEAD, OPTIONS",
    "/executions/abc": "DELETE, GET, HEAD, OPTIONS, PUT",
}


@pytest.mark.parametrize(("url", "allowed"), _ALLOWED.items(), ids=_ALLOWED)
def test_options_says_what_is_allowed(sample_gateway: Gateway, url: str, allowed: str) -> None:
    answer = sample_gateway.http.options(url)
    assert answer.status_code == 204
    assert answer.headers["allow"] == allowed
    assert answer.content == b""


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/executions"),
        ("PUT", "/executions"),
        ("PATCH", "/executions"),
        ("POST", "/executions/abc"),
        ("PATCH", "/executions/abc"),
        ("TRACE", "/executions/abc"),
    ],
)
def test_another_method_is_405_and_says_what_is_allowed(
    sample_gateway: Gateway, method: str, url: str
) -> None:
    answer = sample_gateway.http.request(method, url)
    message = _error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == _ALLOWED[url]
    assert method in message


@pytest.mark.parametrize(
    "url",
    ["/nothing", "/executionsX", "/execution/abc", "/Executions", "/api/v1/executions"],
)
def test_an_unknown_path_is_404_in_json(sample_gateway: Gateway, url: str) -> None:
    message = _error(sample_gateway.http.get(url), 404, "NOT_FOUND")
    assert url in message


# The prefix


@pytest.mark.parametrize("prefix", ["/api/v1", "api/v1/", "/executions"])
def test_the_routes_stand_behind_the_prefix(
    gateway_with: Callable[..., Gateway], prefix: str
) -> None:
    gateway = gateway_with(rest_prefix=prefix)
    gateway.insert(SAMPLE)
    many = f"/{prefix.strip('/')}/executions"
    assert len(gateway.http.get(many).json()) == len(SAMPLE)
    assert gateway.http.get(f"{many}/{ONE.guid}").json() == _as_json(ONE)
    assert gateway.http.put(f"{many}/{ONE.guid}", json={"state": "STOPPED"}).status_code == 200
    assert gateway.http.delete(f"{many}/{ONE.guid}").json()["affected"] == 1
    body = {"executionIds": [SAMPLE[2].guid]}
    assert gateway.http.request("DELETE", many, json=body).json()["affected"] == 1


def test_behind_a_prefix_the_bare_routes_are_404(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(rest_prefix="/api/v1")
    gateway.insert([ONE])
    for path in ("/executions", f"/executions/{ONE.guid}"):
        _error(gateway.http.get(path), 404, "NOT_FOUND")
    assert gateway.http.delete(f"/executions/{ONE.guid}").status_code == 404
    assert _count(gateway) == 1


# What is not the caller's fault


def _put(gateway: Gateway) -> httpx.Response:
    return gateway.http.put(f"/executions/{ONE.guid}", json={"state": "TIMEOUT"})


def _delete_one(gateway: Gateway) -> httpx.Response:
    return gateway.http.delete(f"/executions/{ONE.guid}")


def _delete_many(gateway: Gateway) -> httpx.Response:
    return _delete(gateway, [ONE.guid])


_Write = Callable[[Gateway], httpx.Response]
_WRITES: dict[str, _Write] = {
    "PUT": _put,
    "DELETE one": _delete_one,
    "DELETE many": _delete_many,
}


@pytest.mark.sqlite
@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_write_is_503_while_another_one_lasts_and_works_afterwards(
    gateway_with: Callable[..., Gateway], write: _Write
) -> None:
    gateway = gateway_with(busy_timeout=0.1)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        message = _error(write(gateway), 503, "SERVICE_UNAVAILABLE")
        other.execute("ROLLBACK")
    assert "busy" in message
    assert write(gateway).status_code == 200


@pytest.mark.sqlite
def test_reading_goes_on_while_another_program_writes(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(busy_timeout=0.1)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM executions")
        assert gateway.http.get("/executions").json() == [_as_json(ONE)]
        assert gateway.http.get(f"/executions/{ONE.guid}").json() == _as_json(ONE)
        other.execute("COMMIT")
    assert gateway.http.get("/executions").json() == []


_WITHOUT_TABLE: dict[str, _Write] = {
    **_WRITES,
    "GET all": lambda gateway: gateway.http.get("/executions"),
    "GET page": lambda gateway: gateway.http.get("/executions?page=1"),
    "GET one": lambda gateway: gateway.http.get("/executions/abc"),
}


@pytest.mark.parametrize("ask", _WITHOUT_TABLE.values(), ids=_WITHOUT_TABLE)
def test_a_database_that_can_not_answer_is_503_and_shows_nothing_of_the_inside(
    gateway: Gateway, ask: _Write
) -> None:
    gateway.sql("DROP TABLE executions")
    answer = ask(gateway)
    message = _error(answer, 503, "SERVICE_UNAVAILABLE")
    for inside in ("sql", "table", "select", gateway.place.url, "Traceback"):
        assert inside.lower() not in message.lower()


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_fault_is_500_with_an_id_that_the_log_has_and_nothing_of_the_inside(
    gateway: Gateway, write: _Write, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.insert([ONE])
    for event in ("UPDATE", "DELETE"):
        gateway.place.refuse(event)
    with caplog.at_level(logging.ERROR, logger="gateway"):
        answer = write(gateway)
    assert answer.status_code == 500
    body = answer.json()
    error_id = body.pop("id")
    assert body == {
        "statusCode": 500,
        "success": False,
        "code": "INTERNAL_SERVER_ERROR",
        "message": "Internal server error",
    }
    assert len(error_id) >= 8
    assert error_id in caplog.text
    assert "a secret" in caplog.text


def test_the_gateway_goes_on_after_a_fault(gateway: Gateway) -> None:
    gateway.insert([ONE])
    gateway.place.refuse("DELETE")
    for _ in range(10):
        assert _delete_one(gateway).status_code == 500
    gateway.place.allow("DELETE")
    assert _delete_one(gateway).status_code == 200
