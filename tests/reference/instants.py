"""Instants as GraphQL writes and reads them; inside they are epoch milliseconds."""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def write(milliseconds: int) -> str:
    """Write epoch milliseconds as ISO 8601 in UTC."""
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: object) -> Fraction:
    """Read ISO 8601 with an offset as exact epoch milliseconds. Raises ValueError for all else."""
    match = _ISO.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"no instant: {text!r}")
    minute, second, fraction, sign, hours, minutes = match.groups(default="0")
    if int(second) > 59 or int(hours) > 23 or int(minutes) > 59:
        raise ValueError(f"no such time: {text!r}")
    since = datetime.fromisoformat(f"{minute}+00:00") - _EPOCH
    seconds = since.days * 86_400 + since.seconds + int(second)
    offset = (int(hours) * 60 + int(minutes)) * 60 * (-1 if sign == "-" else 1)
    return 1000 * (seconds - offset + Fraction(int(fraction), 10 ** len(fraction)))
