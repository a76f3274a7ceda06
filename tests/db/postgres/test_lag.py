"""A replica's lag is measured in bounded memory, and never underestimated."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from db.database import Database
from db.errors import ServiceUnavailable
from db.postgres import lag
from db.postgres.lag import MAX_POSITIONS, Lag

pytestmark = pytest.mark.anyio

SECONDS = 10_000


class Server:
    """Reports a position in the log, or that it is away."""

    def __init__(self) -> None:
        self.position: int | None = 0

    async def read(self, *_: object, **__: object) -> Sequence[Any]:
        if self.position is None:
            raise ServiceUnavailable("away")
        return [(self.position,)]


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ours = Clock()
    monkeypatch.setattr(lag, "time", ours)
    return ours


async def _measured_while_away(clock: Clock) -> tuple[Lag, Server, Server]:
    """A replica that has been away for long, while the primary wrote a byte a second."""
    primary, replica = Server(), Server()
    measured = Lag(cast("Database", primary), cast("Database", replica), 10.0)
    await measured._measure()
    replica.position = None
    for second in range(1, SECONDS):
        clock.now, primary.position = float(second), second
        with pytest.raises(ServiceUnavailable):
            await measured._measure()
    return measured, primary, replica


async def test_while_a_replica_is_away_no_more_is_kept_than_may_be(clock: Clock) -> None:
    measured, _, _ = await _measured_while_away(clock)
    assert len(measured._missing) <= MAX_POSITIONS


@pytest.mark.parametrize("replayed", [0, 1, 17, 5_000, SECONDS - 3])
async def test_a_replica_that_is_back_is_not_taken_for_less_behind_than_it_is(
    clock: Clock, replayed: int
) -> None:
    measured, _, replica = await _measured_while_away(clock)
    replica.position = replayed
    await measured._measure()
    behind = clock.now - (replayed + 1)
    assert behind <= measured.seconds <= behind * 1.2 + 2


async def test_a_replica_that_has_caught_up_is_not_behind(clock: Clock) -> None:
    measured, primary, replica = await _measured_while_away(clock)
    replica.position = primary.position
    await measured._measure()
    assert measured.seconds == 0
