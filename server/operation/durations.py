"""Durations as people write them in settings and options: 45s, 90m, 12h, 30d, 2w."""

import re

from db.errors import quote
from db.models import ExecutionState
from db.writing.old_executions import FINAL_STATES

_MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"([0-9]+)([smhdw])")
_MOST_DAYS = 36_500
_MOST_DIGITS = 10

EXPECTED = "must be a number and a unit, s, m (minutes), h, d or w, such as 30d, 12h or 90m"


def parse_duration(text: str) -> int:
    """Return the milliseconds of a duration.

    Raises ValueError, with a message that says what is allowed, for anything but a whole number
    followed by a unit, for 0, and for more than 36,500 days.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(EXPECTED)
    digits = match[1].lstrip("0")
    if not digits:
        raise ValueError("must be longer than 0")
    milliseconds = int(digits[: _MOST_DIGITS + 1]) * _MILLISECONDS[match[2]]
    if milliseconds > _MOST_DAYS * _MILLISECONDS["d"]:
        raise ValueError(f"must be at most {_MOST_DAYS}d, a hundred years")
    return milliseconds


def parse_retention(text: str) -> dict[ExecutionState, int]:
    """Return for each state after how many milliseconds an execution is deleted.

    The text is one duration for all final states, such as 90d, or a list of states with their
    durations, such as FINISHED=7d,ERROR=180d. Raises ValueError, with a message that says what is
    allowed, for anything else.
    """
    if "=" not in text and "," not in text:
        return dict.fromkeys(FINAL_STATES, parse_duration(text))
    ages: dict[ExecutionState, int] = {}
    for part in text.split(","):
        name, _, duration = part.partition("=")
        state = _state_of(name)
        if state in ages:
            raise ValueError(f"names {state} twice")
        try:
            ages[state] = parse_duration(duration)
        except ValueError as error:
            raise ValueError(f"{state}: {error}") from None
    return ages


def _state_of(name: str) -> ExecutionState:
    wanted = name.strip().upper()
    if wanted == ExecutionState.INPROGRESS:
        raise ValueError("INPROGRESS is never deleted; GATEWAY_TIMEOUT_AFTER ends what is stuck")
    if wanted not in FINAL_STATES:
        states = ", ".join(FINAL_STATES)
        raise ValueError(
            "must be an age such as 90d, or ages of states such as FINISHED=7d,ERROR=180d; "
            f"{quote(name.strip())} is none of {states}"
        )
    return ExecutionState(wanted)
