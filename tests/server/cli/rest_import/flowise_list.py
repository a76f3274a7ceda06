"""The list of executions as a Flowise serves it over SQLite, by the SQL that TypeORM writes.

``services/executions`` of Flowise 3.1: ``createdDate`` and ``updatedDate`` are texts of whole
seconds (``datetime('now')``); ``startDate`` and ``endDate`` go through ``new Date`` and are bound
as texts with milliseconds (``DateUtils.mixedDateToUtcDatetimeString``); the page and the count are
two statements; the order is by the last change, and where that is the same by the key, which
TypeORM adds to a page of a join.
"""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from db.instants import parse_lenient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = """
CREATE TABLE chat_flow (id varchar PRIMARY KEY NOT NULL, name varchar NOT NULL);
CREATE TABLE execution (
    id varchar PRIMARY KEY NOT NULL, executionData text NOT NULL, action text,
    state varchar NOT NULL,
    agentflowId varchar NOT NULL, sessionId varchar, isPublic boolean,
    createdDate datetime NOT NULL DEFAULT (datetime('now')),
    updatedDate datetime NOT NULL DEFAULT (datetime('now')), stoppedDate datetime,
    workspaceId varchar
);
INSERT INTO chat_flow VALUES ('flow-1', 'Support agent');
"""
_COLUMNS = (
    "id",
    "executionData",
    "action",
    "state",
    "agentflowId",
    "sessionId",
    "isPublic",
    "createdDate",
    "updatedDate",
    "stoppedDate",
    "workspaceId",
)
Query = dict[str, str]


class FlowiseList:
    """Executions that are listed and change. Times are seconds since the epoch, by its own clock.

    With ``microseconds``, creations have so many more, as on PostgreSQL: texts of one length
    compare as its timestamps do. ``meanwhile`` is called before each statement of a request.
    """

    def __init__(self, clock: int = 1_700_000_000, *, microseconds: int | None = None) -> None:
        self.clock = clock
        self._fraction = "" if microseconds is None else f".{microseconds:06}"
        self.meanwhile: Callable[[], object] = lambda: None
        self.queries: list[Query] = []
        self.sent = 0
        self._lock = threading.RLock()
        self._sqlite = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._sqlite.executescript(_TABLES)

    def create(
        self, guid: str, *, at: int | None = None, updated: int | None = None, **columns: Any
    ) -> None:
        at = self.clock if at is None else at
        row = {
            "id": guid,
            "executionData": "[]",
            "state": "INPROGRESS",
            "agentflowId": "flow-1",
            "createdDate": text_of(at) + self._fraction,
            "updatedDate": text_of(at if updated is None else updated),
            **columns,
        }
        self._run(
            f"INSERT INTO execution ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            *row.values(),
        )

    def change(self, guid: str, state: str) -> None:
        stopped = text_of(self.clock) if state == "STOPPED" else None
        self._run(
            "UPDATE execution SET state = ?, updatedDate = ?, stoppedDate = ? WHERE id = ?",
            state,
            text_of(self.clock),
            stopped,
            guid,
        )

    def delete(self, guid: str) -> None:
        self._run("DELETE FROM execution WHERE id = ?", guid)

    def states(self) -> dict[str, str]:
        return dict(self._run("SELECT id, state FROM execution"))

    def answer(self, query: Query) -> Any:
        """What the route answers to a query."""
        self.queries.append(query)
        page, limit = int(query.get("page") or 1), int(query.get("limit") or 12)
        where, values = _condition(query)
        self.meanwhile()
        rows = self._run(
            f"SELECT {', '.join(_COLUMNS)},"
            " (SELECT name FROM chat_flow WHERE chat_flow.id = agentflowId)"
            f" FROM execution {where} ORDER BY updatedDate DESC, id ASC LIMIT ? OFFSET ?",
            *values,
            limit,
            (page - 1) * limit,
        )
        self.meanwhile()
        [(total,)] = self._run(f"SELECT count(*) FROM execution {where}", *values)
        self.sent += len(rows)
        return {"data": [_entity(row) for row in rows], "total": total}

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._sqlite.execute(statement, values).fetchall()


def text_of(seconds: int) -> str:
    """``datetime('now')`` of SQLite."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


def bound_text(value: str) -> str:
    """A parameter of the query, as TypeORM binds it: a text in UTC with milliseconds."""
    at = parse_lenient(value).astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _condition(query: Query) -> tuple[str, list[str]]:
    conditions, values = [], []
    for name, operator in (("startDate", ">="), ("endDate", "<=")):
        if query.get(name):
            conditions.append(f"createdDate {operator} ?")
            values.append(bound_text(query[name]))
    for name in ("agentflowId", "sessionId"):
        if query.get(name):
            conditions.append(f"{name} = ?")
            values.append(query[name])
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", values


def _entity(row: tuple[Any, ...]) -> dict[str, Any]:
    entity = dict(zip(_COLUMNS, row[:-1], strict=True))
    for name in ("createdDate", "updatedDate", "stoppedDate"):
        if entity[name] is not None:
            second, _, fraction = entity[name].partition(".")
            entity[name] = f"{second.replace(' ', 'T')}.{fraction[:3] or '000'}Z"
    flow = {"id": entity["agentflowId"], "name": row[-1]} if row[-1] is not None else None
    return {**entity, "agentflow": flow}
