"""Imports without HTTP: from a function that answers queries, into the database of a test."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from db.database import Database
from server.cli.rest_import.answers import Answer
from server.cli.rest_import.execution_list import ExecutionList
from server.cli.rest_import.importing import RestImport
from server.cli.rest_import.retries import Retries
from tests.gateway import run_sql
from tests.places import Place

Query = dict[str, str]


def import_of(
    database: Database,
    answer: Callable[[Query], Any],
    *,
    limit: int = 100,
    total: Callable[[Query], str | None] = lambda _: None,
    notices: list[str] | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> RestImport:
    """An import from what ``answer`` returns, with pages of at most ``limit``."""
    notify = ([] if notices is None else notices).append

    async def no_time(_: float) -> None:
        pass

    async def get(query: str) -> Answer:
        asked = dict(parse_qsl(query))
        body = json.dumps(answer(asked))
        return Answer(json.loads(body), len(body), total(asked))

    retries = Retries(notify, sleep=no_time)
    listed = ExecutionList(
        get, retries.run, (), most_bytes=1 << 20, limit=limit, largest_limit=limit
    )
    return RestImport(database, listed, "a list", retries=retries, notify=notify, clock=clock)


def states(place: Place) -> dict[str, str]:
    """The states of all executions that were imported."""
    return dict(run_sql(place, "SELECT guid, state FROM executions"))
