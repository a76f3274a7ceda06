"""Instants: epoch milliseconds in the tables, ISO 8601 outside.

In between they are aware ``datetime`` objects, which keep fractions of milliseconds, so that
rounding happens once, where instants are compared.
"""

import contextlib
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from time import time_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST_MS = -62_135_596_800_000
"""0001-01-01T00:00:00.000Z in epoch milliseconds, the earliest instant that can be stored."""
LATEST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in epoch milliseconds, the latest instant that can be stored."""

FIRST_IN_DIGITS = 315_532_800_000
"""1980-01-01T00:00:00.000Z; a smaller number is more likely seconds, or a date without dashes."""

_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)


def _written(dash: str, colon: str) -> re.Pattern[str]:
    """Match ISO 8601 with or without separators, never mixed; RFC 3339 adds the space."""
    return re.compile(
        r"(?P<year>\d{4})"
        rf"(?:{dash}(?P<month>\d\d){dash}(?P<day>\d\d)|{dash}W(?P<week>\d\d){dash}(?P<weekday>\d))"
        rf"(?:[Tt ](?P<hour>\d\d)(?:{colon}(?P<minute>\d\d)"
        rf"(?:{colon}(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
        r"(?P<offset>[Zz]|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?)?",
        re.ASCII,
    )


_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|\+00:00)", re.ASCII)
_EXTENDED, _BASIC = _written("-", ":"), _written("", "")
_ALMOST = (
    (re.compile(r"\d{4}-?W\d\d(?!-?\d)"), "it names a week and no day"),
    (re.compile(r"\d{4}-?\d\d-?\d\d *([+-]\d|[Zz])"), "a date without a time has no offset"),
    (re.compile(r".{8,10}[Tt ]\d\d(:?\d\d)?[.,]\d"), "only seconds may have a fraction"),
)
_NOT_ISO = "it is not an ISO 8601 date and time"


def now_ms() -> int:
    """Return the current time in epoch milliseconds."""
    return time_ns() // 1_000_000


def from_ms(milliseconds: int) -> datetime:
    """Convert epoch milliseconds to a datetime in UTC.

    Raises ValueError outside the years 1 to 9999.
    """
    if not EARLIEST_MS <= milliseconds <= LATEST_MS:
        raise ValueError("it lies outside the years 1 to 9999")
    return EPOCH + timedelta(milliseconds=milliseconds)


def floor_ms(instant: datetime) -> int:
    """Return the last epoch millisecond that is not after an instant."""
    return (instant - EPOCH) // MICROSECOND // 1000


def ceil_ms(instant: datetime) -> int:
    """Return the first epoch millisecond that is not before an instant."""
    return -((EPOCH - instant) // MICROSECOND // 1000)


def format_iso(instant: datetime) -> str:
    """Format an instant as ISO 8601 in UTC, such as 2023-11-14T22:13:20.000Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_iso(text: str) -> datetime:
    """Parse ISO 8601. The result is in UTC, or without a time zone if the text has no offset.

    It keeps its offset if it would be outside the years 1 to 9999 in UTC. Week dates are allowed;
    only seconds may have a fraction, of any length. Digits beyond microseconds count as far as
    ``floor_ms`` and ``ceil_ms`` can tell. Raises ValueError with the reason for anything else.
    """
    if _USUAL.fullmatch(text):
        # Python's parser is several times as fast for the usual forms.
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text)
    match = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if match is None:
        raise ValueError(
            next((reason for almost, reason in _ALMOST if almost.match(text)), _NOT_ISO)
        )
    if " " in text and match["second"] is None:
        # It may be an offset, whose + a URL has turned into a space.
        raise ValueError("a time that a space comes before must have seconds (RFC 3339)")
    part = match.groupdict(default="0")
    try:
        if match["week"]:
            day = date.fromisocalendar(int(part["year"]), int(part["week"]), int(part["weekday"]))
        else:
            day = date(int(part["year"]), int(part["month"]), int(part["day"]))
        clock = time(
            int(part["hour"]),
            int(part["minute"]),
            int(part["second"]),
            _microseconds(part["fraction"]),
        )
    except ValueError:
        raise ValueError("there is no such day or time") from None
    instant = datetime.combine(day, clock)
    if not match["offset"]:
        return instant
    if int(part["hours"]) > _MOST_HOURS or int(part["minutes"]) > _MOST_MINUTES:
        raise ValueError("its offset must be at most 23:59")
    offset = timedelta(hours=int(part["hours"]), minutes=int(part["minutes"]))
    zone = timezone(-offset if match["sign"] == "-" else offset)
    try:
        return instant.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return instant.replace(tzinfo=zone)


_MOST_HOURS, _MOST_MINUTES = 23, 59


def _microseconds(fraction: str) -> int:
    """Return the microseconds of a fraction of a second.

    If only further digits distinguish it from a whole millisecond, one microsecond is added, so
    that it stays between the same two milliseconds.
    """
    microseconds = int(fraction[:6].ljust(6, "0"))
    return microseconds + (microseconds % 1000 == 0 and bool(fraction[6:].strip("0")))


def parse_lenient(text: str) -> datetime:
    """Parse ISO 8601 (no offset means UTC) or epoch milliseconds in digits.

    Raises ValueError with the reason if it is neither, or outside the years 1 to 9999.
    """
    if _DIGITS.fullmatch(text):
        return from_ms(checked_ms(int(text)))
    instant = parse_iso(text)
    if instant.tzinfo not in (None, UTC):
        raise ValueError("it lies outside the years 1 to 9999 in UTC")
    return instant.replace(tzinfo=UTC)


class LikelyMisread(ValueError):
    """A number that would be a time between the epoch and 1980."""


def checked_ms(milliseconds: int, unit: str = "milliseconds") -> int:
    """Check epoch milliseconds that a client gave as a number of a unit, and return them.

    Raises ValueError outside the years 1 to 9999, and LikelyMisread for a time between the epoch
    and 1980: that is most likely seconds in place of milliseconds, or a date in digits.
    """
    if not EARLIEST_MS <= milliseconds <= LATEST_MS:
        raise ValueError(f"taken for epoch {unit}, it lies outside the years 1 to 9999")
    if 0 < milliseconds < FIRST_IN_DIGITS:
        seconds = "" if unit == "seconds" else ", epoch seconds with 000 behind them"
        raise LikelyMisread(
            f"taken for epoch {unit}, it would be {format_ms(milliseconds)}; "
            f"write a date as 2026-11-20{seconds}, and a time before 1980 as ISO 8601"
        )
    return milliseconds


def is_date_only(text: str) -> bool:
    """Whether a text that ``parse_lenient`` reads as ISO 8601 is a date without a time."""
    match = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    return match is not None and match["hour"] is None and not _DIGITS.fullmatch(text)


def format_ms(milliseconds: int) -> str:
    """Format epoch milliseconds as ``format_iso`` does, several times as fast.

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    day = _DAYS[milliseconds // 86_400_000]
    return f"{day}{_CLOCK[milliseconds // 10_000 % 8640]}{_REST[milliseconds % 10_000]}"


class _Days(dict[int, str]):
    """A cache of the dates of days since the epoch, for about thirty years."""

    def __missing__(self, days: int) -> str:
        if len(self) >= _MOST_DAYS:
            self.clear()
        text = self[days] = (EPOCH + timedelta(days=days)).date().isoformat()
        return text


_MOST_DAYS = 11_000
# Formatting a number takes longer than finding its text.
_DAYS = _Days()
_CLOCK = tuple(f"T{ten // 360:02}:{ten // 6 % 60:02}:{ten % 6}" for ten in range(8640))
_REST = tuple(f"{rest // 1000}.{rest % 1000:03}Z" for rest in range(10_000))
