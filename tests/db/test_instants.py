"""A text is read as exactly the instant that ISO 8601 says it is, or rejected."""

from datetime import UTC, date, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.instants import (
    EARLIEST_MS,
    EPOCH,
    LATEST_MS,
    ceil_ms,
    checked_ms,
    floor_ms,
    format_iso,
    format_ms,
    from_ms,
    is_date_only,
    parse_iso,
    parse_lenient,
)

_DAYS = st.dates(date(1, 1, 2), date(9999, 12, 30))
_NUMBER = st.integers(0, 59)


@st.composite
def _instants(draw: st.DrawFn) -> tuple[str, Fraction]:
    """An instant as RFC 3339 writes it, and its exact epoch milliseconds."""
    day, hour, minute, second = draw(_DAYS), draw(st.integers(0, 23)), draw(_NUMBER), draw(_NUMBER)
    fraction = draw(st.text("0123456789", max_size=15) | st.text("09", max_size=15))
    sign, hours, minutes = draw(st.sampled_from("+-")), draw(st.integers(0, 23)), draw(_NUMBER)
    separator, zulu = draw(st.sampled_from("Tt ")), draw(st.sampled_from(["Z", "z", ""]))
    offset = zulu or f"{sign}{hours:02}:{minutes:02}"
    written = f"{day.isoformat()}{separator}{hour:02}:{minute:02}:{second:02}"
    written += f".{fraction}" * bool(fraction) + offset
    shift = 0 if zulu else (hours * 60 + minutes) * (1 if sign == "+" else -1)
    seconds = (day - EPOCH.date()).days * 86_400 + (hour * 60 + minute - shift) * 60 + second
    part = Fraction(int(fraction or "0"), 10 ** len(fraction))
    return written, (seconds + part) * 1000


@given(instant=_instants())
def test_an_instant_lies_between_the_milliseconds_that_it_lies_between(
    instant: tuple[str, Fraction],
) -> None:
    written, exact = instant
    for read in (parse_iso(written), parse_lenient(written)):
        assert read.tzinfo is UTC
        assert floor_ms(read) == exact.__floor__()
        assert ceil_ms(read) == exact.__ceil__()


@given(
    text=st.text("0123456789-+:.,TtZzW \0\n", max_size=30)
    | _instants().flatmap(
        lambda instant: st.tuples(st.integers(0, len(instant[0])), st.text("0-:.Z +W")).map(
            lambda put: instant[0][: put[0]] + put[1] + instant[0][put[0] + 1 :]
        )
    )
)
def test_what_is_read_is_written_as_iso_8601_writes_it(text: str) -> None:
    try:
        read = parse_iso(text)
    except ValueError:
        return
    # Written out by what it was read as, with what may be left out filled in.
    offset = next((text[at:] for at in range(11, len(text)) if text[at] in "+-"), "")
    shift = timedelta(hours=int(offset[1:3] or "0"), minutes=int(offset[3:].lstrip(":") or "0"))
    local = read.replace(tzinfo=None) + (-shift if offset[:1] == "-" else shift)
    week = local.isocalendar()
    day, clock = local.date(), local.time()
    dates = {
        day.isoformat(),
        f"{day:%Y%m%d}".rjust(8, "0"),
        f"{week.year:04}-W{week.week:02}-{week.weekday}",
        f"{week.year:04}W{week.week:02}{week.weekday}",
    }
    [written] = [each for each in dates if text.startswith(each)]
    digits = text.removeprefix(written).removesuffix(offset).strip("TtZz ")
    whole = digits.replace(",", ".").partition(".")[0].replace(":", "")
    assert f"{clock:%H%M%S}".startswith(whole)
    assert f"{clock:%H%M%S}" == whole.ljust(6, "0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-20T10.5Z", "only seconds may have a fraction"),
        ("2026-11-20T22:13.5Z", "only seconds may have a fraction"),
        ("2026-11-20+01:00", "a date without a time has no offset"),
        ("2026-11-20 01:00", "a time that a space comes before must have seconds"),
        ("2026-11-20 01:00:00 01:00", "it is not an ISO 8601 date and time"),
        ("2026-W47", "it names a week and no day"),
        ("2026-11-20T10:00+00:99", "its offset must be at most 23:59"),
        ("2026-02-29", "there is no such day or time"),
        ("1700000000", "it would be 1970-01-20T16:13:20.000Z"),
        ("20261120", "write a date as 2026-11-20"),
        ("2026", "taken for epoch milliseconds"),
        ("253402300800000", "it lies outside the years 1 to 9999"),
    ],
)
def test_what_is_refused_is_told_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("+", r"\+")):
        parse_lenient(text)


@given(
    milliseconds=st.integers(EARLIEST_MS, LATEST_MS)
    | st.integers(-100_000, 100_000)
    | st.integers(-50, 50).map(lambda days: days * 86_400_000 - 1)
)
@example(EARLIEST_MS)
@example(LATEST_MS)
def test_milliseconds_are_written_as_the_instant_they_are(milliseconds: int) -> None:
    assert format_ms(milliseconds) == format_iso(from_ms(milliseconds))


def test_every_second_of_a_day_and_every_millisecond_of_ten_seconds_is_written() -> None:
    noon = 1_700_006_400_000
    for milliseconds in (*range(noon, noon + 86_400_000, 1000), *range(noon, noon + 10_000)):
        written = EPOCH + timedelta(milliseconds=milliseconds)
        assert format_ms(milliseconds) == f"{written:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def test_days_beyond_those_that_are_kept_are_written_too() -> None:
    days = [*range(-12_000, 12_000), *range(12)]
    for milliseconds in (day * 86_400_000 + 1 for day in days):
        assert format_ms(milliseconds) == format_iso(from_ms(milliseconds))


@pytest.mark.parametrize("milliseconds", [EARLIEST_MS - 1, LATEST_MS + 1, -(2**63), 2**63 - 1])
def test_what_no_datetime_holds_is_not_written(milliseconds: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        format_ms(milliseconds)


@pytest.mark.parametrize("number", [EARLIEST_MS, -1, 0, 315_532_800_000, LATEST_MS])
def test_digits_are_epoch_milliseconds(number: int) -> None:
    assert floor_ms(parse_lenient(str(number))) == checked_ms(number) == number


@pytest.mark.parametrize("number", [1, 2026, 20_261_120, 1_700_000_000, 315_532_799_999])
def test_digits_that_would_be_a_time_before_1980_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="taken for epoch milliseconds, it would be 19"):
        parse_lenient(str(number))


@pytest.mark.parametrize("text", ["2026-11-20", "20261120", "2026-W47-5", "2026W475"])
def test_a_date_alone_is_a_whole_day_unless_it_is_digits(text: str) -> None:
    assert is_date_only(text) == (not text.isdigit())
    assert not is_date_only(f"{text}T00:00")
