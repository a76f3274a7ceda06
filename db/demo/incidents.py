"""When much goes wrong in the demo, each by how long ago it was."""

from typing import NamedTuple

from db.demo.agentflows import CHANGED_FORMAT, OVERLOADED, SEARCH_DOWN

_HOUR_MS = 3_600_000


class Incident(NamedTuple):
    """A while in which runs that can fail of something often do."""

    began_ms: int
    lasted_ms: int
    failing: float
    fault: str

    def covers(self, age: int) -> bool:
        """Whether it was going on so many milliseconds ago."""
        return self.began_ms - self.lasted_ms < age <= self.began_ms


def _before(hours: float, lasted: float) -> tuple[int, int]:
    return int(hours * _HOUR_MS), int(lasted * _HOUR_MS)


OUTAGES = (
    Incident(*_before(5.5, 1.2), 0.6, OVERLOADED),
    Incident(*_before(11 * 24 + 3, 2.5), 0.5, OVERLOADED),
)
"""The provider of the models is down, and people try again."""

INCIDENTS = (
    *OUTAGES,
    Incident(*_before(2 * 24 + 1.5, 5), 0.9, CHANGED_FORMAT),
    Incident(*_before(19 * 24 + 6, 6), 0.4, SEARCH_DOWN),
)
