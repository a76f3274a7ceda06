"""Durations in settings and options."""

import pytest

from db.models import ExecutionState
from db.writing.old_executions import FINAL_STATES
from server.operation.durations import parse_duration, parse_retention

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("45s", 45 * SECOND),
        ("1s", SECOND),
        ("90m", 90 * MINUTE),
        ("12h", 12 * HOUR),
        ("30d", 30 * DAY),
        ("2w", 14 * DAY),
        ("007d", 7 * DAY),
        (" 30d\n", 30 * DAY),
        ("36500d", 36_500 * DAY),
        ("876000h", 36_500 * DAY),
        ("0000000000000000000000001d", DAY),
    ],
)
def test_a_number_and_a_unit_are_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "d",
        "30 d",
        "30D",
        "30days",
        "30d12h",
        "1.5d",
        "1e3s",
        "-30d",
        "+30d",
        "30y",
        "3M",
        "P30D",
        "30d;",
        "\u0663\u0660d",
        "\u00b3d",
        "1_000s",
        "30d\0",
    ],
    ids=ascii,
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"a number and a unit, .* such as 30d, 12h or 90m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0d", "000w"])
def test_no_time_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 0"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["36501d", "5215w", "876001h", "99999999999999999999d", "9" * 100_000 + "s"]
)
def test_more_than_a_hundred_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 36500d"):
        parse_duration(text)


def test_one_age_is_that_of_every_final_state() -> None:
    assert parse_retention("90d") == dict.fromkeys(FINAL_STATES, 90 * DAY)


@pytest.mark.parametrize("text", ["FINISHED=7d,ERROR=180d", " finished = 7d , Error= 180d "])
def test_states_may_have_ages_of_their_own_and_others_none(text: str) -> None:
    assert parse_retention(text) == {
        ExecutionState.FINISHED: 7 * DAY,
        ExecutionState.ERROR: 180 * DAY,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("90", "must be a number and a unit"),
        ("FINISHED=90", "FINISHED: must be a number and a unit"),
        ("FINISHED=", "FINISHED: must be a number and a unit"),
        ("FINISHED=7d=8d", "FINISHED: must be a number and a unit"),
        ("FINISHED=0d", "FINISHED: must be longer than 0"),
        ("FINISHED=7d,", "'' is none of FINISHED, ERROR"),
        ("7d,ERROR=180d", "'7d' is none of FINISHED, ERROR"),
        ("DONE=7d", "'DONE' is none of FINISHED, ERROR"),
        ("=7d", "'' is none of FINISHED, ERROR"),
        ("FINISHED=7d,FINISHED=8d", "names FINISHED twice"),
        ("INPROGRESS=7d", "INPROGRESS is never deleted; GATEWAY_TIMEOUT_AFTER"),
    ],
)
def test_any_other_retention_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_retention(text)
