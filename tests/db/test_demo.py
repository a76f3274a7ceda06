import itertools
from collections import Counter, defaultdict

import pytest

from db.contents.steps import error_in, read_steps
from db.demo.runs import HANGING_SINCE_MS, RECORDED, demo_executions
from db.demo.traffic import DAY_MS, DAYS, HOUR_MS
from db.writing.loading import LoadedExecution

SUNDAY_AT_NIGHT = 1_795_924_500_000  # 2026-11-29T03:55:00Z
COUNT = 2_000


@pytest.fixture(scope="module")
def made() -> list[LoadedExecution]:
    return [execution for execution, _ in demo_executions(COUNT, SUNDAY_AT_NIGHT)]


def _age(execution: LoadedExecution) -> int:
    return SUNDAY_AT_NIGHT - execution.created_on


@pytest.mark.parametrize("count", [1, 7, 200])
def test_as_many_are_made_as_are_asked_for(count: int) -> None:
    assert len(list(demo_executions(count, SUNDAY_AT_NIGHT))) == count


def test_the_same_count_and_moment_make_the_same(made: list[LoadedExecution]) -> None:
    again = demo_executions(COUNT, SUNDAY_AT_NIGHT)
    assert [execution for execution, _ in again] == made


def test_guids_are_the_same_at_any_moment(made: list[LoadedExecution]) -> None:
    later = demo_executions(COUNT, SUNDAY_AT_NIGHT + 3 * DAY_MS)
    assert [execution.guid for execution, _ in later] == [execution.guid for execution in made]


def test_a_week_later_the_same_is_a_week_later() -> None:
    one, other = (
        [execution.created_on for execution, _ in demo_executions(50, moment)]
        for moment in (SUNDAY_AT_NIGHT, SUNDAY_AT_NIGHT + 7 * DAY_MS)
    )
    assert [instant + 7 * DAY_MS for instant in one] == other


def test_they_are_in_order_and_of_the_last_days(made: list[LoadedExecution]) -> None:
    created = [execution.created_on for execution in made]
    assert created == sorted(created)
    assert created[0] >= SUNDAY_AT_NIGHT - DAYS * DAY_MS
    for execution in made:
        assert execution.updated_on is not None
        assert execution.created_on <= execution.updated_on < SUNDAY_AT_NIGHT


def test_the_last_hours_show_something_whenever_the_demo_is_made(
    made: list[LoadedExecution],
) -> None:
    in_hour = sum(_age(execution) < HOUR_MS for execution in made)
    day = Counter(execution.state for execution in made if _age(execution) < DAY_MS)
    assert in_hour > 10
    assert day.total() > 100
    assert day["ERROR"] > 5


def test_what_runs_began_minutes_ago_but_for_a_few_that_hang(made: list[LoadedExecution]) -> None:
    running = sorted(_age(each) for each in made if each.state == "INPROGRESS")
    recent = [age for age in running if age < HOUR_MS / 4]
    assert len(recent) >= 5
    assert len(running) - len(recent) == len(HANGING_SINCE_MS)
    assert running[-1] <= max(HANGING_SINCE_MS)


def test_what_timed_out_took_longest(made: list[LoadedExecution]) -> None:
    lengths: dict[tuple[str, str], list[int]] = defaultdict(list)
    for execution in made:
        assert execution.updated_on is not None
        length = execution.updated_on - execution.created_on
        lengths[execution.agentflow_id, execution.state].append(length)
    timed_out = {flow: times for (flow, state), times in lengths.items() if state == "TIMEOUT"}
    assert timed_out
    for flow, times in timed_out.items():
        assert min(times) > max(lengths[flow, "FINISHED"])


def test_sessions_hold_runs_of_one_agentflow_that_are_near_in_time(
    made: list[LoadedExecution],
) -> None:
    sessions = defaultdict(list)
    for execution in made:
        if execution.session_id:
            sessions[execution.session_id].append(execution)
    assert max(map(len, sessions.values())) > 3
    for runs in sessions.values():
        assert len({each.agentflow_id for each in runs}) == 1
        for one, next_ in itertools.pairwise(runs):
            assert next_.created_on - one.created_on < HOUR_MS


def test_failures_say_why_and_nothing_else_does(made: list[LoadedExecution]) -> None:
    assert all((execution.error is not None) == (execution.state == "ERROR") for execution in made)
    assert len({execution.error for execution in made}) > 5


def test_the_newest_have_steps_as_an_engine_records_them(made: list[LoadedExecution]) -> None:
    assert all(execution.data is None for execution in made[:-RECORDED])
    for execution in made[-RECORDED:]:
        assert execution.data is not None
        steps = read_steps(execution.data)
        assert steps[-1].status == execution.state
        assert {step.status for step in steps[:-1]} == {"FINISHED"}
        assert error_in(execution.data) == execution.error
        for step in steps:
            if step.started_on is not None and step.finished_on is not None:
                assert execution.created_on <= step.started_on <= step.finished_on
                assert step.finished_on <= (execution.updated_on or 0)
