"""What tests of the REST routes ask, and how they read the answers."""

from collections.abc import Callable
from typing import Any

import httpx

from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.reference import ordered
from tests.sample import SAMPLE

ONE = SAMPLE[1]


def as_json(row: ExecutionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "guid": row.guid,
        "agentflowId": row.agentflow_id,
        "agentflowName": row.agentflow_name,
        "sessionId": row.session_id,
        "state": row.state,
        "created_on": row.created_on,
    }


def delete_guids(gateway: Gateway, guids: object) -> httpx.Response:
    return gateway.http.request("DELETE", "/executions", json={"executionIds": guids})


def error_of(answer: httpx.Response, status: int, code: str) -> str:
    body = answer.json()
    message = body.pop("message")
    assert isinstance(message, str)
    assert body == {"statusCode": status, "success": False, "code": code}
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    return message


def count_of(gateway: Gateway) -> int:
    [(count,)] = gateway.sql("SELECT count(*) FROM executions")
    return int(count)


def found_guids(gateway: Gateway, parameters: dict[str, str]) -> list[str]:
    answer = gateway.http.get("/executions", params=parameters)
    assert answer.status_code == 200, answer.text
    return [row["guid"] for row in answer.json()]


def wanted_guids(test: Callable[[ExecutionRow], bool]) -> list[str]:
    return [row.guid for row in ordered(SAMPLE) if test(row)]


def refusal_of(gateway: Gateway, query: str) -> str:
    answer = gateway.http.get(f"/executions?{query}")
    body = answer.json()
    message = body.pop("message")
    assert body == {"statusCode": 400, "success": False, "code": "BAD_USER_INPUT"}
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    return str(message)
