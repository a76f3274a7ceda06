"""A filter selects in memory what it selects in SQL."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, select

from db.casefolding import fold
from db.columns import COLUMNS, Kind
from db.database import Database
from db.errors import InvalidInput
from db.instants import EPOCH
from db.models import ExecutionState
from db.opening import open_database
from db.reading.comparisons import FIELDS
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import (
    MAX_CONDITIONS,
    MAX_NESTING,
    ROOM,
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Not,
)
from db.reading.predicates import predicate
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.source import NATIVE, ExecutionRow
from tests.examples import examples
from tests.filter_cases import CASES, Case, db_filter
from tests.places import Place, PostgresPlace
from tests.reference import matches
from tests.reference.rows import BROKEN, VALID, allow_anything, fill
from tests.reference.texts import shown
from tests.sample import SAMPLE, as_kept

pytestmark = pytest.mark.anyio

S = ExecutionState
_MIXED = 150
_NOBODYS = ["", "nobody", "a\0b", "a\1b", "\1a", "\1b", "%", "e\u0301", "\ufb03", "\u1112"]


def _mixed(rows: Sequence[ExecutionRow], first_id: int) -> list[ExecutionRow]:
    """Rows with values of some rows, in other combinations."""
    chance = random.Random(7)
    times = [row.created_on for row in rows]
    return [
        as_kept(
            (flow := chance.choice(rows))._replace(
                id=first_id + number,
                guid=f"{chance.choice(rows).guid}-{first_id + number}",
                session_id=chance.choice(rows).session_id,
                state=chance.choice(list(S)).value,
                created_on=chance.choice(times),
                updated_on=chance.choice(times),
                finished_on=chance.choice(times),
                agentflow_id=flow.agentflow_id,
                workspace_id=chance.choice(rows).workspace_id,
                error=chance.choice(rows).error,
            )
        )
        for number in range(_MIXED)
    ]


_POSTGRES_ROWS = [*VALID, *_mixed(VALID, 2000)]
_SQLITE_ROWS = [*VALID, *_mixed([*VALID, *BROKEN[6:]], 2000), *_mixed(BROKEN[6:], 3000)]


@pytest.fixture(scope="module")
def filled(new_place: Callable[[], Place]) -> Place:
    place = new_place()
    if isinstance(place, PostgresPlace):
        fill(place, _POSTGRES_ROWS)
    else:
        allow_anything(place)
        fill(place, _SQLITE_ROWS)
    return place


@pytest.fixture
async def filled_database(filled: Place) -> AsyncIterator[Database]:
    opened = open_database(filled.url)
    yield opened
    await opened.close()


def _spellings(texts: set[str]) -> list[str]:
    """The texts as they are, as clients see them, and in other cases and normal forms."""
    spelt = {
        spelling
        for text in map(shown, texts)
        for spelling in (text, text.swapcase(), fold(text), normalize("NFD", text))
    }
    return sorted(texts | spelt | set(_NOBODYS))


def _filters(rows: Sequence[ExecutionRow]) -> st.SearchStrategy[Filter]:
    """Filters of every field with every operator, with values that are near those of some rows."""
    conditions = st.sampled_from(
        [(field, operator) for field in FIELDS for operator in FIELDS[field].operators]
    ).flatmap(lambda asked: _conditions(rows, *asked))
    joined = st.recursive(
        conditions,
        lambda parts: st.one_of(
            parts.map(Not),
            st.lists(parts, max_size=4).map(lambda each: AllOf(tuple(each))),
            st.lists(parts, max_size=4).map(lambda each: AnyOf(tuple(each))),
        ),
        max_leaves=12,
    )
    return st.one_of(conditions, joined)


def _conditions(
    rows: Sequence[ExecutionRow], field: str, operator: str
) -> st.SearchStrategy[Filter]:
    values = _values(rows, field, operator)
    if operator in ("in", "not_in"):
        values = st.lists(values, max_size=5).map(tuple)
    ignores_case = st.booleans() if field in ("agentflow_name", "error") else st.just(value=False)
    return st.builds(Condition, st.just(field), st.just(operator), values, ignores_case)


def _values(rows: Sequence[ExecutionRow], field: str, operator: str) -> st.SearchStrategy[Any]:
    if operator == "is_null":
        return st.booleans()
    if field == "state":
        return st.sampled_from(list(S))
    held = {value for row in rows if (value := getattr(row, field)) is not None}
    if COLUMNS[field].kind is Kind.INSTANT:
        return st.builds(
            _instant,
            st.sampled_from(sorted(held)),
            st.sampled_from([0, 0, -1, 1, -500, 500, 999, -999, 1000, -1000]),
            st.sampled_from([0, 0, 90, -720]),
        )
    if COLUMNS[field].kind is Kind.DURATION:
        numbers = st.builds(int.__add__, st.sampled_from(sorted(held)), st.integers(-1, 1))
        return st.one_of(numbers, st.sampled_from([0, -(2**53), 2**53]))
    texts = _spellings(held)
    if operator in ("contains", "starts_with"):
        # Clients send valid Unicode; only whole texts can come from the gateway itself.
        whole = st.sampled_from([text for text in texts if shown(text) == text])
        return st.builds(
            lambda text, start, end: text[start:end],
            whole,
            st.sampled_from([0, 0, 1, 2]),
            st.sampled_from([None, None, 1, 3, 4]),
        )
    return st.one_of(st.sampled_from(sorted(map(shown, held))), st.sampled_from(texts))


def _instant(milliseconds: int, microseconds: int, offset: int) -> datetime:
    zone = timezone(timedelta(minutes=offset))
    try:
        return (EPOCH + timedelta(microseconds=milliseconds * 1000 + microseconds)).astimezone(zone)
    except OverflowError:
        return EPOCH + timedelta(milliseconds=milliseconds)


async def _selected(runner: Runner, filter_: Filter) -> set[int]:
    """What SQL selects."""

    def build(parameters: BindParameters) -> Select[Any]:
        return select(NATIVE.id).where(where(filter_, NATIVE, parameters.bind))

    values: list[Any] = []
    key = cache_key_of(filter_, values)
    return {row[0] for row in await runner.read(key, build, values)}


async def _read_all(runner: Runner) -> list[ExecutionRow]:
    rows = await runner.read("all", lambda _: select(*NATIVE.columns), ())
    return [ExecutionRow(*row) for row in rows]


async def _assert_agreed(database: Database, filter_: Filter) -> None:
    runner = Runner(database)
    matching = predicate(filter_)
    passed = {row.id for row in await _read_all(runner) if matching(row)}
    assert passed == await _selected(runner, filter_)


_thorough = settings(
    max_examples=examples(2000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.sqlite
@given(_filters(_SQLITE_ROWS))
@_thorough
async def test_memory_selects_what_sqlite_selects(
    filled_database: Database, filter_: Filter
) -> None:
    await _assert_agreed(filled_database, filter_)


@pytest.mark.sqlite
@pytest.mark.parametrize("field", ["guid", "agentflow_id", "session_id", "workspace_id"])
async def test_memory_finds_texts_that_are_not_utf_8_as_they_are_shown_and_as_they_are(
    filled_database: Database, field: str
) -> None:
    for text in {text for row in BROKEN if (text := getattr(row, field)) is not None}:
        for condition in (
            Condition(field, "eq", shown(text)),
            Condition(field, "in", (text, "a\0b", "\1")),
            Condition(field, "not_in", (text, shown(text))),
        ):
            await _assert_agreed(filled_database, condition)


@pytest.mark.postgres
@given(_filters(_POSTGRES_ROWS))
@_thorough
async def test_memory_selects_what_postgres_selects(
    filled_database: Database, filter_: Filter
) -> None:
    await _assert_agreed(filled_database, filter_)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_memory_selects_what_the_documentation_says(case: Case) -> None:
    matching = predicate(db_filter(case.graphql))
    for row in SAMPLE:
        assert matching(row) is matches(row, case.graphql), row


_ERROR = Condition("state", "eq", S.ERROR)


async def test_the_deepest_filter_selects_in_memory_what_it_selects_in_sql(
    filled_database: Database,
) -> None:
    deepest: Filter = Condition("session_id", "eq", "session-1")
    for level in range(MAX_NESTING + ROOM + 1):
        deepest = Not(deepest) if level % 3 else AnyOf((_ERROR, deepest))
    await _assert_agreed(filled_database, deepest)
    with pytest.raises(InvalidInput, match=str(MAX_NESTING)):
        predicate(Not(deepest))


@pytest.mark.parametrize("join", [AllOf, AnyOf])
def test_a_filter_with_too_many_conditions_is_refused_as_it_is_in_sql(
    join: type[AllOf] | type[AnyOf],
) -> None:
    with pytest.raises(InvalidInput, match=str(MAX_CONDITIONS)):
        predicate(join((_ERROR,) * (MAX_CONDITIONS + ROOM + 1)))
