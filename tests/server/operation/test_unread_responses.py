"""Clients that read nothing fill no memory."""

import asyncio
from dataclasses import dataclass

import pytest

from server.operation import connections
from server.operation.connections import Connections


@dataclass(eq=False)
class Unread:
    """A connection whose client leaves bytes unread."""

    unsent: int
    deadline: float = float("inf")
    is_waiting: bool = False
    is_dispensable: bool = False
    is_aborted: bool = False

    def expire(self) -> None:
        """Do nothing."""

    def drop(self) -> None:
        """Do nothing."""

    def has_stalled(self, now: float, seconds: float) -> bool:  # noqa: ARG002 - see Connection
        """Whether it has."""
        return False

    def abort(self) -> None:
        """Note it."""
        self.is_aborted = True


def test_those_that_leave_most_unread_are_aborted_until_few_bytes_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MOST_UNSENT", 100)
    unread = [Unread(30), Unread(90), Unread(0), Unread(60), Unread(10)]

    is_aborted = asyncio.Event()
    monkeypatch.setattr(unread[1], "abort", is_aborted.set)

    async def run() -> None:
        held = Connections()
        for each in unread:
            held.add(each, asyncio.get_running_loop())
        await is_aborted.wait()
        for each in unread:
            held.discard(each)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert not any(each.is_aborted for each in unread)
