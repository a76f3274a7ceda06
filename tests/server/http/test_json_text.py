"""JSON from clients, in the body of a request or in a parameter."""

import json
from typing import Any

import httpx
import pytest

from tests.gateway import Gateway


def _to_graphql(gateway: Gateway, body: bytes) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return gateway.http.post("/graphql", content=body, headers=headers)


def _to_update(gateway: Gateway, body: bytes) -> httpx.Response:
    return gateway.http.put("/executions/nobody", content=body)


def _to_deletion(gateway: Gateway, body: bytes) -> httpx.Response:
    return gateway.http.request("DELETE", "/executions", content=body)


@pytest.mark.parametrize("send", [_to_graphql, _to_update, _to_deletion])
@pytest.mark.parametrize(
    "content",
    [
        [{}] * 200_000,
        [[]] * 200_000,
        [[1]] * 30_000,
        [[[]]] * 20_000,
        {f"m{number}": 1 for number in range(60_000)},
    ],
    ids=["objects", "lists", "lists of one", "lists in lists", "entries"],
)
@pytest.mark.parametrize("separators", [(",", ":"), (" ,", "\n:")], ids=["dense", "spaced"])
def test_a_body_of_tens_of_thousands_of_objects_lists_or_entries_is_not_read(
    gateway: Gateway,
    send: Any,
    content: Any,
    separators: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.http.json_text.orjson.loads", lambda _: pytest.fail("it was read"))
    answer = send(gateway, json.dumps(content, separators=separators).encode())
    assert answer.status_code == 400
    assert "at most 25000 objects, lists and entries" in answer.text


@pytest.mark.parametrize("part", ["{ a ", "[ a ", "{ a: [b "])
def test_brackets_within_a_text_are_no_objects(gateway: Gateway, part: str) -> None:
    [error] = gateway.post(part * 45_000).json()["errors"]
    assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"


def test_guids_may_be_written_in_braces(gateway: Gateway) -> None:
    guids = [f'{{"{number}":}}[]' for number in range(10_000)]
    body = json.dumps({"executionIds": guids}).encode()
    assert _to_deletion(gateway, body).json() == {"raw": [], "affected": 0}


def test_a_get_of_thousands_of_parameters_is_refused(gateway: Gateway) -> None:
    query = "&".join(f"a{number}=1" for number in range(8_000))
    answer = gateway.http.get(f"/graphql?query={{__typename}}&{query}")
    assert (answer.status_code, "at most 100 parameters" in answer.text) == (400, True)
    query = "&".join(f"a{number}=1" for number in range(90))
    assert gateway.http.get(f"/graphql?query={{__typename}}&{query}").status_code == 200
