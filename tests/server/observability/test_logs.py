"""The log: how it reports errors, under which ids, and what it never contains."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from server.observability.logs import configure_logs
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place

SECRET = "a-secret-value"


@contextmanager
def _logged(form: Any = "json", level: str = "info") -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    own = logging.getLogger("gateway")
    handlers, levels = root.handlers[:], (root.level, own.level)
    try:
        configure_logs(level, form, stream)
        yield stream
    finally:
        root.handlers = handlers
        root.setLevel(levels[0])
        own.setLevel(levels[1])


def _faulty(gateway: Gateway) -> None:
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        f" VALUES ('{SECRET}', 'f', 'ERROR', 1)"
    )
    gateway.place.refuse("UPDATE")


UPDATE = """
mutation StopIt($guid: ID!) {
  updateExecution(guid: $guid, input: {state: STOPPED}) { __typename }
}
"""


def _provoke(gateway: Gateway, **headers: str) -> Any:
    body = {"query": UPDATE, "variables": {"guid": SECRET}, "operationName": "StopIt"}
    return gateway.http.post("/graphql", json=body, headers=headers)


def _records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_fault_is_logged_with_the_ids_that_the_client_has(gateway: Gateway) -> None:
    _faulty(gateway)
    with _logged() as stream:
        answer = _provoke(gateway)
    [error] = answer.json()["errors"]
    [record] = [each for each in _records(stream) if each["level"] == "error"]
    assert error["message"] == "Internal server error"
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert record["error_id"] == error["extensions"]["id"]
    assert record["request_id"] == answer.headers["x-request-id"]
    assert record["operation_name"] == "StopIt"
    assert re.search(
        "IntegrityError|CheckViolationError",
        record["exception"].replace("sqlalchemy.exc.", "sqlite3."),
    )


def test_a_fault_of_rest_is_logged_with_its_request_too(gateway: Gateway) -> None:
    _faulty(gateway)
    with _logged() as stream:
        answer = gateway.http.put(f"/executions/{SECRET}", json={"state": "STOPPED"})
    [record] = [each for each in _records(stream) if each["level"] == "error"]
    assert record["error_id"] == answer.json()["id"]
    assert record["request_id"] == answer.headers["x-request-id"]


def test_keys_and_values_never_reach_the_log(place: Place) -> None:
    key = make_key(place, "read", "update")
    with _logged(level="debug") as stream, running_gateway(place, auth="keys") as gateway:
        _faulty(gateway)
        _provoke(gateway, **bearer(key))
        _provoke(gateway, **bearer(f"{key}-wrong"))
        gateway.http.put(f"/executions/{SECRET}", json={"state": SECRET}, headers=bearer(key))
        gateway.http.put(f"/executions/{SECRET}", json={"state": "STOPPED"}, headers=bearer(key))
        gateway.http.get("/executions", params={"startDate": SECRET}, headers=bearer(key))
    text = stream.getvalue()
    assert "error_id" in text
    assert key not in text
    assert SECRET not in text


def test_a_request_keeps_the_id_that_a_proxy_gave_it(sample_gateway: Gateway) -> None:
    for given in ("abc-123", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"):
        answer = sample_gateway.http.get("/healthz", headers={"x-request-id": given})
        assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "a\tb"])
def test_an_id_that_could_do_harm_in_a_log_is_replaced(sample_gateway: Gateway, given: str) -> None:
    answer = sample_gateway.http.get("/healthz", headers={"x-request-id": given})
    assert re.fullmatch("[0-9a-f]{12}-[0-9a-f]+", answer.headers["x-request-id"])


def test_every_request_has_an_id_of_its_own(sample_gateway: Gateway) -> None:
    ids = {sample_gateway.http.get("/healthz").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_for_people_the_log_is_lines_of_text() -> None:
    with _logged("console") as stream:
        logging.getLogger("gateway").warning("The disk is %s", "full")
    assert "The disk is full" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_what_is_no_terminal_gets_json() -> None:
    with _logged("auto") as stream:
        logging.getLogger("gateway").warning("The disk is %s", "full")
    [record] = _records(stream)
    assert (record["event"], record["level"], record["logger"]) == (
        "The disk is full",
        "warning",
        "gateway",
    )
    assert record["timestamp"].endswith("Z")


def test_what_is_less_grave_than_the_level_is_not_logged() -> None:
    with _logged(level="warning") as stream:
        logging.getLogger("gateway").info("nothing")
    assert stream.getvalue() == ""
