"""A list as the REST API documents it, and its rows."""

from typing import Any

from db.instants import floor_ms, parse_lenient
from server.cli.rest_import.answers import BadRequest
from tests.server.cli.rest_import.imports import Query

START = 1_700_000_000_000


def row(number: int, **values: Any) -> dict[str, Any]:
    """A row of the list, created ``number`` seconds after ``START``."""
    return {
        "id": number,
        "guid": f"g-{number}",
        "agentflowId": "flow-1",
        "state": "FINISHED",
        "created_on": START + number * 1000,
        **values,
    }


class BareList:
    """The list that the REST API documents: an array, by its own order and in epoch milliseconds.

    It sends ``cap`` at a time at most, and refuses to be asked for more than ``most``.
    """

    def __init__(self, rows: list[dict[str, Any]], *, cap: int = 10**9, most: int = 10**9) -> None:
        self.rows = rows
        self.cap = cap
        self.most = most
        self.queries: list[Query] = []

    def answer(self, query: Query) -> list[dict[str, Any]]:
        self.queries.append(query)
        found = self._found(query)
        page, limit = int(query["page"]), int(query["limit"])
        if limit > self.most:
            raise BadRequest
        size = min(limit, self.cap)
        return found[(page - 1) * size : page * size]

    def total(self, query: Query) -> str:
        return str(len(self._found(query)))

    def _found(self, query: Query) -> list[dict[str, Any]]:
        start, end = (
            floor_ms(parse_lenient(query[name])) if name in query else default
            for name, default in (("startDate", -(10**15)), ("endDate", 10**15))
        )
        found = [row for row in self.rows if start <= row["created_on"] <= end]
        return sorted(found, key=lambda row: (-row["created_on"], -row["id"]))
