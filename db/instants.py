"""Points in time: epoch milliseconds in the tables, ISO 8601 on the outside.

Everything in between is an aware ``datetime``, which holds the microseconds that a
caller may send, so that rounding to milliseconds happens once, where it is compared.
"""

import functools
import re
import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST_MS = -62_135_596_800_000
"""0001-01-01T00:00:00.000Z in epoch milliseconds, the earliest instant that is stored."""
LATEST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in epoch milliseconds, the latest instant that is stored."""

_DATE_ONLY = re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}-?\d", re.ASCII)
_WEEK_ONLY = re.compile(r"\d{4}-?W\d{2}", re.ASCII)
_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)


def now_ms() -> int:
    """The current time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def from_ms(milliseconds: int) -> datetime:
    """Turn epoch milliseconds into a datetime in UTC.

    Raises ValueError outside the years 1 to 9999.
    """
    if not EARLIEST_MS <= milliseconds <= LATEST_MS:
        raise ValueError("it lies outside the years 1 to 9999")
    return EPOCH + timedelta(milliseconds=milliseconds)


def floor_ms(instant: datetime) -> int:
    """The last epoch millisecond that is not after an instant."""
    return (instant - EPOCH) // MICROSECOND // 1000


def ceil_ms(instant: datetime) -> int:
    """The first epoch millisecond that is not before an instant."""
    return -((EPOCH - instant) // MICROSECOND // 1000)


def format_iso(instant: datetime) -> str:
    """Write an instant in UTC as ISO 8601 with milliseconds, such as 2023-11-14T22:13:20.000Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_iso(text: str) -> datetime:
    """Read ISO 8601; the result has no time zone when the text has no offset.

    Raises ValueError when it is not ISO 8601.
    """
    candidate = text[:-1] + "Z" if text.endswith("z") else text
    if _WEEK_ONLY.fullmatch(text):
        raise ValueError("it names a week and no day")
    try:
        return datetime.fromisoformat(candidate)
    except ValueError:
        raise ValueError("it is not an ISO 8601 date and time") from None


def parse_lenient(text: str) -> datetime:
    """Read ISO 8601 (no offset means UTC) or epoch milliseconds written in digits.

    Raises ValueError with the reason when it is neither.
    """
    if _DIGITS.fullmatch(text):
        return from_ms(int(text))
    instant = parse_iso(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def is_date_only(text: str) -> bool:
    """Whether a text that ``parse_lenient`` reads as ISO 8601 names a whole day."""
    return bool(_DATE_ONLY.fullmatch(text)) and not _DIGITS.fullmatch(text)


def format_ms(milliseconds: int) -> str:
    """Write epoch milliseconds as ``format_iso`` writes the instant, several times as fast.

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    seconds = milliseconds // 1000
    days = seconds // 86_400
    minutes = seconds // 60
    clock = _CLOCK[minutes - days * 1440]
    return f"{_day(days)}{clock}{_SECONDS[seconds - minutes * 60]}{_REST[milliseconds % 1000]}"


# Formatting a number takes longer than finding its text.
_CLOCK = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1440))
_SECONDS = tuple(f"{second:02}." for second in range(60))
_REST = tuple(f"{rest:03}Z" for rest in range(1000))


@functools.lru_cache(maxsize=10_000)
def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).date().isoformat()
