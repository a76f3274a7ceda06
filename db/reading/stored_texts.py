"""Find the ids that clients know with replacement characters, because they are not UTF-8."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union_all

from db.dialect import Shown, among_listed, each_listed, has_broken_texts, listed
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.texts import BEYOND_START, NO_CHARACTER, start_of_shown

Where = Callable[[BindParameters], list[ColumnElement[bool]]]
"""Builds what the rows of a column must meet, which binds values of its own."""


async def stored_texts(
    runner: Runner,
    columns: Sequence[tuple[ColumnElement[Any], Where]],
    texts: Iterable[str],
    bound: Sequence[Any],
) -> dict[str, str]:
    """Return how texts are stored in the first of some columns that has them, as far as any does.

    Each column has conditions that its rows must meet, with the values ``bound``. Only texts with
    replacement characters are looked up, all of them in one statement. Where several texts are
    shown alike, the one that is stored as it is shown comes first, and then the smallest.
    """
    looked_up = tuple(dict.fromkeys(text for text in texts if NO_CHARACTER in text))
    if not looked_up or not has_broken_texts(runner.database.dialect):
        return {}
    # Many texts with the same start lie in one range of an index, which is read once.
    starts = listed(tuple(dict.fromkeys(map(start_of_shown, looked_up))))
    wanted = listed(looked_up)

    def build_one(
        parameters: BindParameters, column: ColumnElement[Any], conditions: Where
    ) -> Select[Any]:
        start = each_listed(tuple(parameters.bind("guid") for _ in starts)).c.value
        low, high = (start.concat(parameters.bind("guid")) for _ in BEYOND_START)
        shown: ColumnElement[str] = Shown(column)
        is_wanted = among_listed(shown, tuple(parameters.bind("guid") for _ in wanted))
        selected = [shown, func.min(column), func.max(column == shown)]
        found = select(*selected).where(column > low, column < high, is_wanted)
        return found.where(*conditions(parameters)).group_by(shown)

    def build(parameters: BindParameters) -> Any:
        return union_all(*(build_one(parameters, *column) for column in columns))

    key = ("stored", *(str(column) for column, _ in columns), len(starts), len(wanted), len(bound))
    values = (*starts, *BEYOND_START, *wanted, *bound) * len(columns)
    stored: dict[str, str] = {}
    for text, smallest, is_stored_so in await runner.read(key, build, values):
        stored.setdefault(text, text if is_stored_so else smallest)
    return stored
