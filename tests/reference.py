"""What the gateway must answer, said once more in plain Python over a list."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

from db.casefolding import fold
from db.source import ExecutionRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GraphQLFilter = dict[str, Any] | None


def matches(row: ExecutionRow, given: GraphQLFilter) -> bool:
    """Whether an execution passes a filter written as GraphQL variables."""
    for name, value in (given or {}).items():
        if value is not None and not _FIELDS[name](row, value):
            return False
    return True


def _id(value: str | None, given: dict[str, Any]) -> bool:
    checks: dict[str, Callable[[Any], bool]] = {
        "eq": lambda wanted: value == wanted,
        "in": lambda wanted: value in wanted,
        "notIn": lambda unwanted: value not in unwanted,
        "isNull": lambda wanted: (value is None) == wanted,
    }
    return all(checks[name](wanted) for name, wanted in given.items() if wanted is not None)


def _string(value: str | None, given: dict[str, Any]) -> bool:
    def plain(text: str) -> str:
        return text if given.get("caseSensitive") else fold(text)

    checks: dict[str, Callable[[str, Any], bool]] = {
        "eq": lambda text, wanted: text == plain(wanted),
        "in": lambda text, wanted: text in [plain(each) for each in wanted],
        "contains": lambda text, wanted: plain(wanted) in text,
        "startsWith": lambda text, wanted: text.startswith(plain(wanted)),
    }
    asked = {n: w for n, w in given.items() if n != "caseSensitive" and w is not None}
    if value is None:
        return not asked
    return all(checks[name](plain(value), wanted) for name, wanted in asked.items())


def _instant(milliseconds: int, given: dict[str, Any]) -> bool:
    value = _EPOCH + timedelta(milliseconds=milliseconds)
    checks: dict[str, Callable[[datetime], bool]] = {
        "gt": lambda bound: value > bound,
        "gte": lambda bound: value >= bound,
        "lt": lambda bound: value < bound,
        "lte": lambda bound: value <= bound,
    }
    return all(
        checks[name](datetime.fromisoformat(bound))
        for name, bound in given.items()
        if bound is not None
    )


_FIELDS: dict[str, Callable[[ExecutionRow, Any], bool]] = {
    "guid": lambda row, given: _id(row.guid, given),
    "agentflowId": lambda row, given: _id(row.agentflow_id, given),
    "agentflowName": lambda row, given: _string(row.agentflow_name, given),
    "sessionId": lambda row, given: _id(row.session_id, given),
    "state": lambda row, given: _id(row.state, given),
    "createdOn": lambda row, given: _instant(row.created_on, given),
    "updatedOn": lambda row, given: _instant(row.updated_on, given),
    "and": lambda row, parts: all(matches(row, part) for part in parts),
    "or": lambda row, parts: any(matches(row, part) for part in parts),
    "not": lambda row, part: not matches(row, part),
}


def ordered(
    rows: Iterable[ExecutionRow], order_by: list[dict[str, str]] | None = None
) -> list[ExecutionRow]:
    """Executions in an order written as GraphQL variables; newest first without one."""
    return sorted(rows, key=cmp_to_key(comparison(order_by)))


def comparison(
    order_by: list[dict[str, str]] | None = None,
) -> Callable[[ExecutionRow, ExecutionRow], int]:
    """How two executions stand in an order: below, at or above 0."""
    terms = [
        (term["field"].lower(), term.get("direction", "DESC") == "DESC")
        for term in order_by or [{"field": "CREATED_ON"}]
    ]
    last = terms[-1][1]
    if not {"created_on", "updated_on"} & {field for field, _ in terms}:
        terms.append(("created_on", last))
    terms.append(("id", last))

    def compare(left: ExecutionRow, right: ExecutionRow) -> int:
        for field, descending in terms:
            a, b = getattr(left, field), getattr(right, field)
            if a != b:
                smaller = a is None or (b is not None and a < b)
                return -1 if smaller != descending else 1
        return 0

    return compare
