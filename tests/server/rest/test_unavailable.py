"""REST routes whose database is busy, away or faulty."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from tests.gateway import Gateway
from tests.places import file_of
from tests.server.rest.requests import ONE, as_json, delete_guids, error_of


def _put(gateway: Gateway) -> httpx.Response:
    return gateway.http.put(f"/executions/{ONE.guid}", json={"state": "TIMEOUT"})


def _delete_one(gateway: Gateway) -> httpx.Response:
    return gateway.http.delete(f"/executions/{ONE.guid}")


def _delete_many(gateway: Gateway) -> httpx.Response:
    return delete_guids(gateway, [ONE.guid])


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
    gateway = gateway_with(busy_timeout=1.0)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        message = error_of(write(gateway), 503, "SERVICE_UNAVAILABLE")
        other.execute("ROLLBACK")
    assert "busy" in message
    assert write(gateway).status_code == 200


@pytest.mark.sqlite
def test_reading_goes_on_while_another_program_writes(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(busy_timeout=1.0)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM executions")
        assert gateway.http.get("/executions").json() == [as_json(ONE)]
        assert gateway.http.get(f"/executions/{ONE.guid}").json() == as_json(ONE)
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
    message = error_of(answer, 503, "SERVICE_UNAVAILABLE")
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
