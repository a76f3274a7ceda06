"""The methods and paths of the REST routes, with a prefix and without."""

from collections.abc import Callable

import pytest

from tests.gateway import Gateway
from tests.sample import SAMPLE
from tests.server.rest.requests import ONE, as_json, count_of, error_of


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
    message = error_of(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == _ALLOWED[url]
    assert method in message


@pytest.mark.parametrize(
    "url",
    ["/nothing", "/executionsX", "/execution/abc", "/Executions", "/api/v1/executions"],
)
def test_an_unknown_path_is_404_in_json(sample_gateway: Gateway, url: str) -> None:
    message = error_of(sample_gateway.http.get(url), 404, "NOT_FOUND")
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
    assert gateway.http.get(f"{many}/{ONE.guid}").json() == as_json(ONE)
    assert gateway.http.put(f"{many}/{ONE.guid}", json={"state": "STOPPED"}).status_code == 200
    assert gateway.http.delete(f"{many}/{ONE.guid}").json()["affected"] == 1
    body = {"executionIds": [SAMPLE[2].guid]}
    assert gateway.http.request("DELETE", many, json=body).json()["affected"] == 1


def test_behind_a_prefix_the_bare_routes_are_404(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(rest_prefix="/api/v1")
    gateway.insert([ONE])
    for path in ("/executions", f"/executions/{ONE.guid}"):
        error_of(gateway.http.get(path), 404, "NOT_FOUND")
    assert gateway.http.delete(f"/executions/{ONE.guid}").status_code == 404
    assert count_of(gateway) == 1
