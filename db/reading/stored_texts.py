"""Find the ids that clients know with replacement characters, because they are not UTF-8."""

from collections.abc import Container, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from db.database import Rows
from db.reading.comparisons import FIELDS
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.texts import NO_CHARACTER

_LOOKED_UP = 100
_SHOWN = FIELDS["agentflow_id"].operators["eq"]


async def stored_texts(
    runner: Runner,
    columns: Sequence[ColumnElement[Any]],
    texts: Sequence[str],
    found: Container[str],
) -> dict[str, str]:
    """Return how texts are stored in some columns that are not among those ``found`` as they are.

    Only texts with replacement characters are looked up, one by one, and at most a hundred.
    """
    shown = [text for text in texts if NO_CHARACTER in text and text not in found]
    stored = {}
    for text in shown[:_LOOKED_UP]:
        for column in columns:
            rows = await _shown_as(runner, column, text)
            if rows:
                stored[text] = rows[0][0]
                break
    return stored


async def _shown_as(runner: Runner, column: ColumnElement[Any], text: str) -> Rows:
    def build(parameters: BindParameters) -> Select[Any]:
        bound = tuple(parameters.bind("agentflow_id") for _ in values)
        return select(column).where(_SHOWN.compile(column, bound)).limit(1)

    values = _SHOWN.parameters(text)
    return await runner.read(("stored", str(column)), build, values)
