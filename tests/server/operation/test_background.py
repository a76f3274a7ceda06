"""A gateway's background tasks go on after any error, and end with the gateway."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from db.errors import ServiceUnavailable
from db.keys import Keys
from server.access.authentication import Authenticator
from server.observability import shared_metrics
from server.observability.shared_metrics import publishing

pytestmark = pytest.mark.anyio


async def _in_time(work: Any) -> Any:
    return await asyncio.wait_for(work, 20)


async def test_keys_that_could_not_be_read_are_read_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.access.authentication._REREAD_AFTER", 0.001)
    keys = Keys(database)
    find_all = keys.find_all
    failures = [ServiceUnavailable("away"), ValueError("a scope that is none"), KeyError("a fault")]
    read_again = asyncio.Event()

    async def sometimes() -> Any:
        if failures:
            raise failures.pop()
        read_again.set()
        return await find_all()

    async with Authenticator(keys, enabled=True, required=False).watching():
        monkeypatch.setattr(keys, "find_all", sometimes)
        await _in_time(read_again.wait())


async def test_a_gateway_ends_when_the_use_of_keys_can_not_be_recorded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(database)

    async def broken(_uses: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(keys, "record_use", broken)
    async with Authenticator(keys, enabled=True, required=False).watching():
        pass


async def test_metrics_that_could_not_be_published_are_published_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(shared_metrics, "_PUBLISH_SECONDS", 0.001)
    published = asyncio.Event()
    calls: list[int] = []

    def publish() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("the disk is full")
        published.set()

    async with publishing(publish):
        await _in_time(published.wait())
