"""When demo executions begin: more each week, by day more than by night and at weekends."""

import math
from collections.abc import Iterator
from random import Random

from db.demo.incidents import OUTAGES

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAYS = 90

_SLOT_MS = 10 * MINUTE_MS
_GROWS_BY_E_IN_DAYS = 18
_WEEKEND = 0.3
_RETRIES = 1.8
_BUSY_BY_AGE = ((_SLOT_MS, 3), (HOUR_MS, 1.5))
# By the hour of the team's clock.
_OF_THE_DAY = (
    *(0.10, 0.08, 0.07, 0.06, 0.07, 0.10, 0.17, 0.34, 0.63, 0.90, 1.00, 0.96),
    *(0.78, 0.86, 1.00, 0.98, 0.90, 0.70, 0.48, 0.36, 0.28, 0.22, 0.17, 0.13),
)
_NOW_OF_THE_DAY_MS = 15 * HOUR_MS + 20 * MINUTE_MS


class TeamClock:
    """The clock where the team works: it is afternoon there, and a working day.

    So a demo shows as much in its last hours whenever it is made.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        ahead = (_NOW_OF_THE_DAY_MS - now) % DAY_MS
        self._ahead = ahead if ahead <= DAY_MS // 2 else ahead - DAY_MS

    def hour(self, instant: int) -> int:
        """Return the hour of the day, from 0 to 23."""
        return (instant + self._ahead) // HOUR_MS % 24

    def is_weekend(self, instant: int) -> bool:
        """Whether it is Saturday or Sunday. The last 24 hours never are."""
        # 1970-01-01 was a Thursday.
        weekday = ((instant + self._ahead) // DAY_MS + 3) % 7
        return weekday >= 5 and self._now - instant > DAY_MS

    def is_night(self, instant: int) -> bool:
        """Whether nobody works, and jobs run that were scheduled."""
        return self.hour(instant) < 6


def instants(count: int, now: int, clock: TeamClock, chance: Random) -> Iterator[int]:
    """Return when ``count`` executions begin, the oldest first, all before ``now``."""
    starts = range(now - DAYS * DAY_MS, now, _SLOT_MS)
    weights = [_weight(start, now, clock) * chance.uniform(0.7, 1.3) for start in starts]
    total = sum(weights)
    reached, made = 0.0, 0
    for start, weight in zip(starts, weights, strict=True):
        reached += weight
        due = count if start == starts[-1] else round(count * reached / total)
        yield from sorted(start + chance.randrange(_SLOT_MS) for _ in range(due - made))
        made = due


def _weight(start: int, now: int, clock: TeamClock) -> float:
    age = now - start
    weight = math.exp(-age / (_GROWS_BY_E_IN_DAYS * DAY_MS)) * _OF_THE_DAY[clock.hour(start)]
    if clock.is_weekend(start):
        weight *= _WEEKEND
    if any(outage.covers(age) for outage in OUTAGES):
        weight *= _RETRIES
    busy = (times for since, times in _BUSY_BY_AGE if age <= since)
    return weight * next(busy, 1)
