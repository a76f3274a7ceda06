"""Durations as people write them in settings and options: 45s, 90m, 12h, 30d, 2w."""

import re

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
