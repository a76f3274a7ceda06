"""A gateway is ready if it would answer the next short read."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from db.postgres.database import PostgresDatabase
from db.sqlite.batching import Batcher
from db.sqlite.database import SQLiteDatabase
from tests.gateway import Gateway


class _Stuck:
    """A read that is never answered, as of a queue that has stopped."""

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.get_running_loop().create_future().__await__()


def test_a_gateway_whose_reads_are_stuck_is_not_ready_and_says_why(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.http.get("/readyz").status_code == 200
    monkeypatch.setattr("db.database.PING_WITHIN", 0.05)
    with monkeypatch.context() as patch:
        for kind in (SQLiteDatabase, PostgresDatabase):
            patch.setattr(kind, "_read", lambda *_, **__: _Stuck())
        answer = gateway.http.get("/readyz")
        assert answer.status_code == 503
        assert "short read" in answer.json()["reason"]
    monkeypatch.undo()
    assert gateway.http.get("/readyz").status_code == 200


def test_a_gateway_whose_reads_fail_for_whatever_reason_is_not_ready(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    with monkeypatch.context() as patch:
        for kind in (SQLiteDatabase, PostgresDatabase):
            patch.setattr(kind, "_read", fail)
        answer = gateway.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert "secret" not in answer.text


@pytest.mark.sqlite
def test_whether_it_is_ready_is_asked_in_line_with_all_short_reads(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.http.get("/readyz").status_code == 200
    sent: list[str] = []
    send = Batcher.send

    def watched(batcher: Batcher, work: Any) -> Any:
        sent.append(work[0])
        return send(batcher, work)

    monkeypatch.setattr(Batcher, "send", watched)
    assert gateway.http.get("/readyz").status_code == 200
    assert any("FROM executions" in statement for statement in sent)
