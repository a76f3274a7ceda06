"""Rounds of background work go on whatever ends one of them."""

import asyncio

import pytest

from db.database import Metric
from db.errors import ServiceUnavailable
from db.leases import LeaseLost
from server.operation.rounds import Rounds

pytestmark = pytest.mark.anyio


class _Failing(Rounds):
    """Fails in its first round, and says so when it has come to its third."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("work", 0.001)
        self.third = asyncio.Event()
        self._error = error
        self._count = 0

    def metrics(self) -> list[Metric]:
        return []

    async def _round(self) -> None:
        self._count += 1
        if self._count == 1:
            raise self._error
        if self._count == 3:
            self.third.set()


@pytest.mark.parametrize(
    "error",
    [OSError(), ServiceUnavailable("gone"), LeaseLost(), asyncio.CancelledError(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
async def test_an_exception_ends_a_round_and_never_the_rounds(error: BaseException) -> None:
    rounds = _Failing(error)
    async with rounds.running():
        await rounds.third.wait()
