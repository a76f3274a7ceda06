"""Find the ids that clients know with replacement characters, because they are not UTF-8."""

from collections.abc import Callable, Container, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from db.database import Rows
from db.reading.comparisons import FIELDS
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.texts import NO_CHARACTER

Where = Callable[[BindParameters], list[ColumnElement[bool]]]
"""Builds what the rows of a column must meet, which binds values of its own."""

_LOOKED_UP = 100
_SHOWN = FIELDS["agentflow_id"].operators["eq"]


async def stored_texts(
    runner: Runner,
    columns: Sequence[tuple[ColumnElement[Any], Where]],
    texts: Sequence[str],
    found: Container[str],
    bound: Sequence[Any],
) -> dict[str, str]:
    """Return how texts are stored in some columns that are not among those ``found`` as they are.

    Each column has conditions that its rows must meet, with the values ``bound``. Only texts with
    replacement characters are looked up, one by one, and at most a hundred.
    """
    shown = [text for text in texts if NO_CHARACTER in text and text not in found]
    stored = {}
    for text in shown[:_LOOKED_UP]:
        for column, conditions in columns:
            rows = await _shown_as(runner, column, text, conditions, bound)
            if rows:
                stored[text] = rows[0][0]
                break
    return stored


async def _shown_as(
    runner: Runner,
    column: ColumnElement[Any],
    text: str,
    conditions: Where,
    bound: Sequence[Any],
) -> Rows:
    def build(parameters: BindParameters) -> Select[Any]:
        texts = tuple(parameters.bind("agentflow_id") for _ in values)
        found = select(column).where(_SHOWN.compile(column, texts)).limit(1)
        return found.where(*conditions(parameters))

    values = _SHOWN.parameters(text)
    key = ("stored", str(column), len(bound))
    return await runner.read(key, build, (*values, *bound))
