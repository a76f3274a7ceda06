"""Lists of servers that say what is not true, or do not do what they are asked."""

from collections.abc import Callable
from typing import Any

import pytest

from db.database import Database
from server.cli.rest_import.answers import ImportFailed
from tests.places import Place
from tests.server.cli.rest_import.bare_list import BareList, row
from tests.server.cli.rest_import.imports import Query, import_of, states

pytestmark = pytest.mark.anyio

Lie = Callable[[int, int], int]
"""What a server tells as the total, given how many there are, and how many it sends."""
LIES: dict[str, Lie] = {
    "none": lambda *_: 0,
    "the half": lambda there, _: there // 2,
    "far too many": lambda there, _: there * 3 + 50,
    "those of the page": lambda _, sent: sent,
    "more than any list has": lambda *_: 10**400,
}


@pytest.mark.parametrize("cap", [7, 10**9])
@pytest.mark.parametrize("lie", LIES)
async def test_everything_arrives_whatever_the_total_that_a_server_tells(
    lie: str, cap: int, database: Database, place: Place
) -> None:
    bare = BareList([row(number * 10) for number in range(1, 60)], cap=cap)

    def answer(query: Query) -> Any:
        sent = bare.answer(query)
        return {"data": sent, "total": LIES[lie](int(bare.total(query)), len(sent))}

    await import_of(database, answer, limit=10).run()
    assert len(states(place)) == 59
    assert len(bare.queries) < 59 * 7


@pytest.mark.parametrize("total", ["9" * 5000, "-1", "1e3", "\u0663", ""])
async def test_a_total_in_a_header_that_is_no_number_is_none(
    database: Database, place: Place, total: str
) -> None:
    bare = BareList([row(number) for number in range(1, 30)])
    await import_of(database, bare.answer, limit=10, total=lambda _: total).run()
    assert len(states(place)) == 29


async def test_a_server_that_sends_all_at_once_is_read_whatever_it_is_asked_for(
    database: Database, place: Place
) -> None:
    # They share a second, so that no window can tell them apart.
    rows = [row(number, created_on=row(0)["created_on"]) for number in range(1, 301)]
    await import_of(database, _windows_alone(rows), limit=100).run()
    assert len(states(place)) == 300


async def test_a_server_that_knows_no_pages_can_not_be_read_where_they_are_needed(
    database: Database,
) -> None:
    rows = [row(number, created_on=row(0)["created_on"]) for number in range(1, 301)]
    answer = _windows_alone(rows)
    with pytest.raises(ImportFailed, match="the same executions whatever page it is asked for"):
        await import_of(database, lambda query: answer(query)[: int(query["limit"])]).run()


async def test_a_server_that_sends_far_more_than_it_was_asked_for_is_refused(
    database: Database,
) -> None:
    with pytest.raises(ImportFailed, match="sent 100,001 executions at once"):
        await import_of(database, lambda _: [{}] * 100_001).run()


async def test_an_execution_that_is_left_out_is_named_in_one_line(database: Database) -> None:
    rows = [{"id": "a\nImported 9", "createdDate": "\n"}]
    importing = import_of(database, lambda _: {"data": rows, "total": 1})
    await importing.run()
    assert list(importing.left_out) == [r"'a\nImported 9'"]


def _windows_alone(rows: list[dict[str, Any]]) -> Callable[[Query], list[dict[str, Any]]]:
    """A list that is filtered by creation, but knows neither pages nor limits."""
    bare = BareList(rows)
    return lambda query: bare.answer({**query, "page": "1", "limit": str(10**9)})
