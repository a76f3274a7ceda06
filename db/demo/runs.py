"""The demo's executions: what runs, when, and how it ends."""

import math
import uuid
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import NamedTuple

from db.demo.agentflows import AGENTFLOWS, Agentflow
from db.demo.incidents import INCIDENTS
from db.demo.recordings import Run, record
from db.demo.traffic import HOUR_MS, MINUTE_MS, TeamClock, instants
from db.writing.loading import LoadedExecution

RECORDED = 1_000
"""How many of the newest executions have data: those that are looked at."""
HANGING_SINCE_MS = (int(7.8 * HOUR_MS), int(3.2 * HOUR_MS), 26 * MINUTE_MS)
"""Since when an execution hangs: its engine was ended, maybe, and nobody has stopped it."""

_STILL_RUNNING = 5
_ENOUGH_TO_HANG = 100
_STOPPED, _TERMINATED, _TIMED_OUT = 0.012, 0.007, 0.006
_AGAIN = 0.3
_GOES_ON_WITHIN_MS = 30 * MINUTE_MS


class _Choice:
    """Chooses an agentflow by the hour."""

    def __init__(self, chance: Random, *, nightly: bool) -> None:
        self._chance = chance
        self._numbers = [n for n, flow in enumerate(AGENTFLOWS) if flow.is_nightly is nightly]
        self._shares = list(accumulate(AGENTFLOWS[n].pace.share for n in self._numbers))

    def choose(self) -> int:
        return self._numbers[bisect(self._shares, self._chance.random() * self._shares[-1])]


class _Conversation(NamedTuple):
    flow: int
    session_id: str
    last: int


class _Team:
    """Says what a team runs at a moment, and for which session."""

    def __init__(self, clock: TeamClock, chance: Random, most_conversations: int) -> None:
        self._clock = clock
        self._chance = chance
        self._by_day = _Choice(chance, nightly=False)
        self._by_night = _Choice(chance, nightly=True)
        self._sessions = 0
        self._conversations: deque[_Conversation] = deque(maxlen=most_conversations)

    def begin(self, created_on: int) -> tuple[int, str | None]:
        """Return the number of an agentflow, and the id of the session if it has one."""
        flow, session_id = self._choose(created_on)
        if session_id:
            self._conversations.append(_Conversation(flow, session_id, created_on))
        return flow, session_id

    def _choose(self, created_on: int) -> tuple[int, str | None]:
        chance = self._chance
        if chance.random() < _AGAIN and self._conversations:
            one = chance.choice(self._conversations)
            if created_on - one.last < _GOES_ON_WITHIN_MS:
                return one.flow, one.session_id
        if self._clock.is_night(created_on) and chance.random() < 0.5:
            return self._by_night.choose(), None
        flow = self._by_day.choose()
        if not AGENTFLOWS[flow].has_sessions:
            return flow, None
        self._sessions += 1
        return flow, f"session-{self._sessions:06d}"


def demo_executions(count: int, now: int) -> Iterator[tuple[LoadedExecution, str]]:
    """Return ``count`` executions with the names of their agentflows, the oldest first."""
    chance = Random(count)  # noqa: S311 - the same demo every time, no secret
    # Apart, so that the newest execution has the same guid whenever the demo is made.
    guids = Random(count)  # noqa: S311 - the same
    clock = TeamClock(now)
    # As many people talk at a time as there are executions.
    team = _Team(clock, chance, max(3, min(count // 5_000, 500)))
    hanging = list(HANGING_SINCE_MS if count > _ENOUGH_TO_HANG else ())
    running = min(_STILL_RUNNING, count // 300)
    for left, created_on in zip(
        range(count, 0, -1), instants(count, now, clock, chance), strict=True
    ):
        flow, session_id = team.begin(created_on)
        hangs = bool(hanging) and now - created_on <= hanging[0]
        if hangs:
            hanging.pop(0)
        run = _run(AGENTFLOWS[flow], created_on, now, chance)
        if hangs or left <= running:
            run = _unfinished(run, now, chance)
        execution = LoadedExecution(
            id=None,
            guid=str(uuid.UUID(int=guids.getrandbits(128), version=4)),
            agentflow_id=f"agentflow-{flow + 1:03d}",
            session_id=session_id,
            state=run.state,
            created_on=created_on,
            updated_on=run.updated_on,
            data=record(run, session_id, chance) if left <= RECORDED else None,
            error=run.error,
        )
        yield execution, AGENTFLOWS[flow].name


def _run(flow: Agentflow, created_on: int, now: int, chance: Random) -> Run:
    seconds = chance.lognormvariate(math.log(flow.pace.seconds), flow.pace.spread)
    limit_ms = flow.pace.limit_seconds * 1000
    lasted = max(40, int(seconds * 1000))
    state, fault = "FINISHED", None
    faults = flow.faults
    failing, told = _failing(flow, faults, now - created_on)
    drawn = chance.random()
    if drawn < failing:
        state, fault = "ERROR", told or chance.choice(faults)
        lasted = max(25, int(lasted * chance.uniform(0.15, 1)))
    elif (drawn := drawn - failing) < _STOPPED:
        state, lasted = "STOPPED", int(lasted * chance.uniform(0.4, 3))
    elif drawn - _STOPPED < _TERMINATED:
        state, lasted = "TERMINATED", int(lasted * chance.uniform(0.1, 0.6))
    elif drawn - _STOPPED - _TERMINATED < _TIMED_OUT:
        lasted = limit_ms
    if lasted >= limit_ms:
        state, fault, lasted = "TIMEOUT", None, limit_ms + chance.randrange(20, 900)
    run = Run(flow, state, created_on, created_on + lasted, fault)
    return run if run.updated_on < now else _unfinished(run, now, chance)


def _unfinished(run: Run, now: int, chance: Random) -> Run:
    """Return a run that goes on, or hangs since it was last heard of."""
    heard = int((now - run.created_on) * chance.uniform(0.6, 1))
    usual = int(run.flow.pace.seconds * 1000)
    return run._replace(
        state="INPROGRESS", updated_on=run.created_on + min(heard, usual), error=None
    )


def _failing(flow: Agentflow, faults: list[str], age: int) -> tuple[float, str | None]:
    """Return how likely a run fails, and of what it does if something is known to be wrong."""
    for incident in INCIDENTS:
        if incident.covers(age) and incident.fault in faults:
            return incident.failing, incident.fault
    return flow.pace.failing, None
