"""Sends operations to a gateway, and compares its answers with those of the reference."""

from collections.abc import Callable
from time import time_ns
from typing import Any

import orjson

from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.reference import instants
from tests.reference.drawing import Cursors
from tests.reference.executor import Answer, Fault, Reference
from tests.reference.request import Request
from tests.reference.rows import fill, flows_of
from tests.reference.table import Cursor, Elapsed, GlobalId, Now, Opaque, Stamp, Table
from tests.reference.values import pools_of
from tests.sample import as_kept

Send = Callable[[dict[str, Any]], bytes]
"""Sends the body of a request; answers with the body of the response."""
MAX_PAGE_SIZE, MAX_IDS = 40, 12
NO_LIMITS: dict[str, Any] = {
    "max_aliases": 100_000,
    "max_batch": 100,
    "max_cost": 10**9,
    "max_depth": 1000,
    "max_directives": 100_000,
    "max_document_bytes": 1_000_000,
    "max_ids": MAX_IDS,
    "max_page_size": MAX_PAGE_SIZE,
    "max_repeats": 100_000,
    "max_root_fields": 100_000,
    "max_tokens": 100_000,
    "max_variables": 100_000,
}
"""Settings of a gateway that takes whatever is drawn, with small pages and few guids."""
_FIELDS = (
    "CREATED_ON",
    "UPDATED_ON",
    "FINISHED_ON",
    "DURATION",
    "STATE",
    "AGENTFLOW_ID",
    "SESSION_ID",
)
ORDERS: tuple[Any, ...] = (
    None,
    *(
        [{"field": field, "direction": direction}]
        for field in _FIELDS
        for direction in ("ASC", "DESC")
    ),
    [{"field": "STATE"}, {"field": "CREATED_ON", "direction": "ASC"}],
    [{"field": "SESSION_ID", "direction": "ASC"}, {"field": "UPDATED_ON", "direction": "DESC"}],
    [{"field": "DURATION"}, {"field": "FINISHED_ON", "direction": "ASC"}],
)
"""Orders whose cursors are known before anything is drawn."""
_STORED = "SELECT id, state, updated_on, finished_on FROM executions"
_CURSORS = """query ($orderBy: [ExecutionOrder!], $after: String) {
  page: executions(first: 40, orderBy: $orderBy, after: $after) {
    edges { cursor node { id agentflow { id } session { id } } } pageInfo { hasNextPage endCursor }
  }
}"""
_FLOW_CURSORS = """query ($after: String) {
  page: agentflows(first: 40, after: $after) {
    edges { cursor node { id } } pageInfo { hasNextPage endCursor }
  }
}"""


class Comparison:
    """Runs operations on a gateway and on a reference that hold the same executions."""

    def __init__(self, gateway: Gateway, sdl: str, rows: list[ExecutionRow]) -> None:
        self.gateway = gateway
        self.rows = rows
        self._seen = list(rows)
        self._table = Table(
            list(rows), flows_of(rows), max_page_size=MAX_PAGE_SIZE, max_ids=MAX_IDS
        )
        self.reference = Reference(sdl, self._table)
        self._written: dict[Opaque, str] = {}
        self._meant: dict[str, Opaque] = {}
        self.cursors: Cursors = {
            "executions": [(order, self._all(_CURSORS, orderBy=order)) for order in ORDERS],
            "agentflows": [(None, self._all(_FLOW_CURSORS))],
        }
        self.pools = pools_of(rows)
        known = [*self._table.ids]
        for name in ("node id", "nodes ids"):
            self.pools[name] = [*known, *self.pools[name]]

    def _all(self, query: str, **variables: Any) -> list[str]:
        """The cursors of all pages of a list."""
        found: list[str] = []
        page = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            request = Request(query, {**variables, "after": page["endCursor"]})
            body = self.check(request)["data"]["page"]
            found += [edge["cursor"] for edge in body["edges"]]
            page = body["pageInfo"]
        return found

    def check(self, request: Request, send: Send | None = None) -> dict[str, Any]:
        """Raise AssertionError unless both answer the same; returns what the gateway answers."""
        began = time_ns() // 1_000_000
        body = (send or self._post)(request.body)
        times = range(began, time_ns() // 1_000_000 + 1)
        self._table.now = Now(began)
        expected = self.reference.run(request.query, request.variables, request.name)
        told: dict[str, Any] = orjson.loads(body)
        learned: dict[Opaque, str] = {}
        data = _as_told(expected.data, told.get("data"), learned, times)
        if not expected.is_certain:
            assert "data" in told, told
            self._adopt(times)
            return told
        if expected.failed:
            self._check_failed(request, expected, told, data)
            self._adopt(times)
            return told
        if _faults(told) != expected.faults or ("data" in told) != (not expected.faults):
            raise AssertionError(_difference(request, Answer(data, expected.faults), body))
        if not expected.faults and body != orjson.dumps({"data": data}):
            raise AssertionError(_difference(request, Answer(data), body))
        self._learn(learned)
        self._adopt(times)
        return told

    def _check_failed(
        self, request: Request, expected: Answer, told: dict[str, Any], data: Any
    ) -> None:
        """Hold the gateway to failing those root fields, and to answering the others."""
        failed = [(key,) for key in expected.failed]
        faults = _faults(told)
        is_refused = all(code == "BAD_USER_INPUT" and path in failed for path, code in faults)
        if not faults or not is_refused:
            raise AssertionError(_difference(request, expected, orjson.dumps(told)))
        if told["data"] is not None:
            data = {**data, **dict.fromkeys(expected.failed)}
            if len(faults) != len(failed) or orjson.dumps(told["data"]) != orjson.dumps(data):
                raise AssertionError(_difference(request, Answer(data), orjson.dumps(told)))

    def _adopt(self, times: range) -> None:
        """Hold the table to the reference, and take the times of what was just changed from it."""
        rows = self._table.rows
        if self._table.is_stale:
            self._adopt_all()
            return
        if len(rows) == len(self._seen) and not any(
            isinstance(row.updated_on, Now) for row in rows
        ):
            return
        stored = {number: rest for number, *rest in self.gateway.sql(_STORED)}
        for place, row in enumerate(rows):
            state, updated_on, finished_on = stored[row.id]
            assert state == row.state, row
            if isinstance(row.updated_on, Now):
                assert updated_on in times, row
                assert finished_on == (None if row.finished_on is None else updated_on)
                changed = row._replace(updated_on=updated_on, finished_on=finished_on)
                rows[place] = as_kept(changed)
            assert (updated_on, finished_on) == (rows[place].updated_on, rows[place].finished_on)
        assert len(stored) == len(rows)
        self._seen = list(rows)

    def _adopt_all(self) -> None:
        """Take what is left of the rows from the table, as the reference does not know it."""
        stored = {number: rest for number, *rest in self.gateway.sql(_STORED)}
        self._table.rows[:] = [
            as_kept(row._replace(state=state, updated_on=updated_on, finished_on=finished_on))
            for row in self._table.rows
            if row.id in stored
            for state, updated_on, finished_on in [stored[row.id]]
        ]
        assert len(stored) == len(self._table.rows)
        self._seen = list(self._table.rows)

    def _learn(self, learned: dict[Opaque, str]) -> None:
        """Hold the gateway to one way of writing whatever it writes in its own way."""
        for meant, written in learned.items():
            assert self._written.setdefault(meant, written) == written, meant
            assert self._meant.setdefault(written, meant) == meant, written
            if isinstance(meant, Cursor):
                self._table.cursors[written] = meant
            if isinstance(meant, GlobalId):
                self._table.ids[written] = meant

    def restore(self) -> None:
        """Bring the table back to what it was before anything was changed."""
        kept = set(self._table.rows)
        changed = [row for row in self.rows if row not in kept]
        if changed:
            delete = "DELETE FROM executions WHERE id = ?"
            self.gateway.place.run(delete, [(row.id,) for row in changed])
            fill(self.gateway.place, changed)
        self._table.rows[:] = self.rows
        self._seen = list(self.rows)

    def _post(self, body: dict[str, Any]) -> bytes:
        return self.gateway.http.post("/graphql", json=body).content


def _difference(request: Request, expected: Answer, body: bytes) -> str:
    written = orjson.dumps({"data": expected.data}).decode() if not expected.faults else ""
    return f"""answered otherwise than by the reference:
{request.query}
variables: {request.variables}
operationName: {request.name}
reference: {written or expected.faults}
gateway:   {body.decode()}"""


def _faults(told: dict[str, Any]) -> tuple[Fault, ...]:
    return tuple(
        (tuple(error["path"]) if "path" in error else None, error["extensions"]["code"])
        for error in told.get("errors", ())
    )


def _as_told(expected: Any, told: Any, learned: dict[Opaque, str], times: range) -> Any:
    """What is expected, with what only the gateway knows put in from what it told."""
    match expected:
        case Stamp():
            return told if _is_among(told, times) else expected
        case Elapsed():
            return told if type(told) is int and told + expected.since in times else expected
        case Opaque() if isinstance(told, str):
            learned[expected] = told
            return told
        case dict() if isinstance(told, dict):
            return {
                key: _as_told(value, told.get(key), learned, times)
                for key, value in expected.items()
            }
        case list() if isinstance(told, list) and len(told) == len(expected):
            return [_as_told(*pair, learned, times) for pair in zip(expected, told, strict=True)]
    return expected


def _is_among(told: Any, times: range) -> bool:
    try:
        return instants.read(told) in times
    except ValueError:
        return False
