"""Odd guids, odd paths and odd bodies."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.sample import SAMPLE

ONE = SAMPLE[1]

ODD_GUIDS = {
    "a slash": "a/b",
    "a slash at the end": "a/",
    "a slash at the start": "/a",
    "a slash alone": "/",
    "a percent sign": "100%",
    "something that looks encoded": "%41",
    "a slash that looks encoded": "a%2Fb",
    "a plus": "a+b",
    "a space": "a b",
    "spaces around": " a ",
    "quotes": "'a\"b`",
    "SQL": "'; DROP TABLE executions; --",
    "a question mark": "a?page=1",
    "a hash": "a#b",
    "a backslash": "a\\b",
    "a line break": "a\r\nb",
    "a brace": "{guid}",
    "the path itself": "/executions/a",
    "another script": "выполнение-日本-é",
    "an emoji": "🦊",
    "a null character": "a\x00b",
    "10,000 characters": "g" * 10_000,
}
# No null character is stored.
STORED_GUIDS = [pytest.param(guid, id=name) for name, guid in ODD_GUIDS.items() if "\0" not in guid]


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place()) as running:
        yield running


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    """The same gateway for every test, emptied."""
    shared.sql("DELETE FROM executions")
    return shared


def _insert(gateway: Gateway, *guids: str) -> None:
    gateway.insert(ONE._replace(id=number, guid=guid) for number, guid in enumerate(guids, 1))


def _guids(gateway: Gateway) -> list[str]:
    return [guid for (guid,) in gateway.sql("SELECT guid FROM executions ORDER BY id")]


def _url(guid: str) -> str:
    return f"/executions/{quote(guid, safe='')}"


def _raw(gateway: Gateway, method: str, target: str, body: bytes | None = None) -> tuple[int, Any]:
    """Send a request target as it is, which well-behaved clients would rewrite."""
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=30)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


# Guids


@pytest.mark.parametrize("guid", STORED_GUIDS)
def test_an_execution_with_an_odd_guid_is_found(gateway: Gateway, guid: str) -> None:
    _insert(gateway, "a", guid, "b")
    for answer in (
        gateway.http.get(_url(guid)).json(),
        *gateway.http.get("/executions", params={"guid": guid}).json(),
    ):
        assert (answer["id"], answer["guid"]) == (2, guid)


@pytest.mark.parametrize("guid", STORED_GUIDS)
def test_an_execution_with_an_odd_guid_is_updated_alone(gateway: Gateway, guid: str) -> None:
    _insert(gateway, "a", guid, "b")
    answer = gateway.http.put(_url(guid), json={"state": "TIMEOUT"})
    assert answer.status_code == 200
    assert answer.json()["guid"] == guid
    assert gateway.sql("SELECT id FROM executions WHERE state = 'TIMEOUT'") == [(2,)]


@pytest.mark.parametrize("guid", STORED_GUIDS)
def test_an_execution_with_an_odd_guid_is_deleted_alone(gateway: Gateway, guid: str) -> None:
    _insert(gateway, "a", guid, "b")
    assert gateway.http.delete(_url(guid)).json() == {"raw": [], "affected": 1}
    assert _guids(gateway) == ["a", "b"]


@pytest.mark.parametrize("guid", STORED_GUIDS)
def test_an_odd_guid_among_many_deletes_that_execution_alone(gateway: Gateway, guid: str) -> None:
    _insert(gateway, "a", guid, "b")
    answer = gateway.http.request("DELETE", "/executions", json={"executionIds": [guid]})
    assert answer.json() == {"raw": [], "affected": 1}
    assert _guids(gateway) == ["a", "b"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("guid", ODD_GUIDS.values(), ids=ODD_GUIDS)
def test_an_odd_guid_that_nobody_has_is_404_and_changes_nothing(
    gateway: Gateway, guid: str, method: str
) -> None:
    _insert(gateway, "a", "b", "A", "100")
    before = gateway.sql("SELECT * FROM executions")
    body = {"state": "TIMEOUT"} if method == "PUT" else None
    answer = gateway.http.request(method, _url(guid), json=body)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"
    assert gateway.sql("SELECT * FROM executions") == before


def test_a_long_guid_is_shortened_in_the_message(sample_gateway: Gateway) -> None:
    message = sample_gateway.http.get(_url("g" * 10_000)).json()["message"]
    assert len(message) < 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("written", ["%FF%FE", "%C3", "a%ED%A0%80b", "%F8%88%80%80%80"])
def test_a_guid_in_broken_utf8_is_404(gateway: Gateway, method: str, written: str) -> None:
    _insert(gateway, "a", "ab")
    body = b"{}" if method == "PUT" else None
    status, answer = _raw(gateway, method, f"/executions/{written}", body)
    assert status == 404
    assert answer["code"] == "NOT_FOUND"
    assert _guids(gateway) == ["a", "ab"]


@pytest.mark.parametrize("written", ["100%", "%", "%zz", "a%4"])
def test_a_stray_percent_sign_stands_for_itself(gateway: Gateway, written: str) -> None:
    _insert(gateway, written)
    status, answer = _raw(gateway, "GET", f"/executions/{written}")
    assert status == 200
    assert answer["guid"] == written


@pytest.mark.parametrize("guid", [".", "..", "a/../b"])
def test_dots_are_a_part_of_the_guid(gateway: Gateway, guid: str) -> None:
    _insert(gateway, guid, "b")
    status, answer = _raw(gateway, "GET", f"/executions/{guid.replace('.', '%2E')}")
    assert status == 200
    assert answer["guid"] == guid


# Paths


@pytest.mark.parametrize(
    "target", ["/executions/a/", "/executions/%61", "/executions/a?page=0", "/%65xecutions/a"]
)
def test_a_path_may_be_written_in_other_ways(gateway: Gateway, target: str) -> None:
    _insert(gateway, "a")
    status, answer = _raw(gateway, "GET", target)
    assert status == 200
    assert answer["guid"] == "a"


def test_a_trailing_slash_makes_no_difference_to_the_list(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions/")
    assert answer.status_code == 200
    assert answer.json() == sample_gateway.http.get("/executions").json()


def test_a_trailing_slash_makes_no_difference_to_a_change(gateway: Gateway) -> None:
    _insert(gateway, "a", "b")
    assert gateway.http.put("/executions/a/", json={"state": "TIMEOUT"}).status_code == 200
    assert gateway.http.delete("/executions/a/").json()["affected"] == 1
    answer = gateway.http.request("DELETE", "/executions/", json={"executionIds": ["b"]})
    assert answer.json()["affected"] == 1


def test_deleting_nobody_in_particular_deletes_nothing(gateway: Gateway) -> None:
    _insert(gateway, "a", "b")
    assert gateway.http.delete("/executions").status_code == 400
    assert gateway.http.delete("/executions/").status_code == 400
    assert _raw(gateway, "DELETE", "/executions//")[0] == 404
    assert _guids(gateway) == ["a", "b"]


# Bodies

_DEEP = b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
_NO_OBJECTS = {
    "nothing": b"",
    "white space": b"  \n",
    "half of one": b'{"state": "STOPPED"',
    "no JSON": b"state=STOPPED",
    "single quotes": b"{'state': 'STOPPED'}",
    "something after it": b'{"state": "STOPPED"} x',
    "NaN": b'{"state": NaN}',
    "broken UTF-8": b'{"state": "STOPPED\xff"}',
    "broken UTF-8 elsewhere": b'{"state": "STOPPED", "x": "\xc3"}',
    "half a surrogate pair": b'{"state": "\\ud800"}',
    "UTF-16": '{"state": "STOPPED"}'.encode("utf-16"),
    "too deep": _DEEP,
    "null": b"null",
    "a text": b'"STOPPED"',
    "a number": b"1",
    "true": b"true",
    "an array": b'[{"state": "STOPPED"}]',
}


@pytest.mark.parametrize("body", _NO_OBJECTS.values(), ids=_NO_OBJECTS)
@pytest.mark.parametrize(("method", "url"), [("PUT", "/executions/a"), ("DELETE", "/executions")])
def test_a_body_that_is_no_json_object_is_400(
    gateway: Gateway, method: str, url: str, body: bytes
) -> None:
    _insert(gateway, "a")
    before = gateway.sql("SELECT * FROM executions")
    answer = gateway.http.request(method, url, content=body)
    error = answer.json()
    assert answer.status_code == error["statusCode"] == 400
    assert error["code"] == "BAD_USER_INPUT"
    assert error["success"] is False
    assert "JSON object" in error["message"]
    assert gateway.sql("SELECT * FROM executions") == before


@pytest.mark.parametrize(
    "state",
    [None, "", "stopped", " STOPPED", "DONE", "STOPPED,ERROR", 1, True, 0.5, ["STOPPED"], {}],
    ids=repr,
)
def test_a_state_that_is_none_of_the_six_is_400(gateway: Gateway, state: object) -> None:
    _insert(gateway, "a")
    before = gateway.sql("SELECT * FROM executions")
    answer = gateway.http.put("/executions/a", json={"state": state, "guid": "a"})
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "success": False,
        "code": "BAD_USER_INPUT",
        "message": "state must be one of INPROGRESS, FINISHED, ERROR, TERMINATED, TIMEOUT,"
        f" STOPPED; got {state!r}",
    }
    assert gateway.sql("SELECT * FROM executions") == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"executionIds": None},
        {"executionIds": []},
        {"executionIds": "a"},
        {"executionIds": {"0": "a"}},
        {"executionIds": ["a", 1]},
        {"executionIds": ["a", None]},
        {"executionIds": ["a", ["b"]]},
        {"executionIds": [True]},
        {"executionids": ["a"]},
        {"guids": ["a"]},
    ],
    ids=json.dumps,
)
def test_execution_ids_that_are_no_array_of_texts_are_400(
    gateway: Gateway, body: dict[str, Any]
) -> None:
    _insert(gateway, "a", "b")
    answer = gateway.http.request("DELETE", "/executions", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_USER_INPUT"
    assert answer.json()["message"].startswith("executionIds must be an array")
    assert _guids(gateway) == ["a", "b"]


def test_a_long_list_is_shortened_in_the_message(gateway: Gateway) -> None:
    body = {"executionIds": [*(str(number) for number in range(10_000)), 1]}
    answer = gateway.http.request("DELETE", "/executions", json=body)
    assert answer.status_code == 400
    assert len(answer.json()["message"]) < 300


def test_other_keys_beside_the_execution_ids_are_ignored(gateway: Gateway) -> None:
    _insert(gateway, "a", "b")
    body = {"executionIds": ["a"], "all": True, "guid": "b"}
    answer = gateway.http.request("DELETE", "/executions", json=body)
    assert answer.json() == {"raw": [], "affected": 1}
    assert _guids(gateway) == ["b"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "text/plain", None], ids=str
)
def test_the_content_type_of_a_body_makes_no_difference(
    gateway: Gateway, content_type: str | None
) -> None:
    _insert(gateway, "a")
    headers = {"content-type": content_type} if content_type else {}
    answer = gateway.http.put("/executions/a", content=b'{"state":"TIMEOUT"}', headers=headers)
    assert answer.status_code == 200
    assert answer.json()["state"] == "TIMEOUT"


def test_a_bad_body_for_an_unknown_guid_is_400(gateway: Gateway) -> None:
    assert gateway.http.put("/executions/nobody", content=b"{").status_code == 400
