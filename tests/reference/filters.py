"""Which executions a filter means, by the schema's own descriptions."""

from collections.abc import Callable
from typing import Any

from db.source import ExecutionRow
from tests.reference import instants
from tests.reference.texts import fold, shown

GraphQLFilter = dict[str, Any] | None
"""A filter as it is written in GraphQL's variables."""


def matches(row: ExecutionRow, given: GraphQLFilter) -> bool:
    """Whether an execution passes a filter."""
    return all(
        _FIELDS[name](row, value) for name, value in (given or {}).items() if value is not None
    )


def values_in(given: GraphQLFilter) -> int:
    """How many values all lists of a filter hold."""
    count = 0
    for name, value in (given or {}).items():
        if name in ("and", "or"):
            count += sum(map(values_in, value or ()))
        elif name in ("in", "notIn"):
            count += len(value or ())
        elif isinstance(value, dict):
            count += values_in(value)
    return count


def is_narrowing(given: GraphQLFilter) -> bool:
    """Whether a filter has a condition, and is not true whatever its conditions come to."""
    conditions: list[bool] = []
    return _form(given, conditions) is not True and bool(conditions)


def _form(given: GraphQLFilter, conditions: list[bool]) -> bool | None:
    """What a filter is whatever its conditions come to, or None; notes every condition."""
    forms: list[bool | None] = [True]
    for name, value in (given or {}).items():
        if value is None:
            continue
        if name == "and":
            forms += [_form(part, conditions) for part in value]
        elif name == "or":
            forms.append(_joined([_form(part, conditions) for part in value], decisive=True))
        elif name == "not":
            inner = _form(value, conditions)
            forms.append(None if inner is None else not inner)
        else:
            asked = [(n, v) for n, v in value.items() if n != "caseSensitive" and v is not None]
            conditions += [True] * len(asked)
            forms += [_form_of_condition(name, n, v) for n, v in asked]
    return _joined(forms, decisive=False)


def _form_of_condition(field: str, operator: str, value: Any) -> bool | None:
    if value == []:
        return {"in": False, "notIn": True}[operator]
    # Every name has the empty text in it, but few executions have an error.
    if operator in ("contains", "startsWith") and value == "" and field == "agentflowName":
        return True
    if operator == "isNull" and field in ("guid", "agentflowId"):
        return not value
    return None


def _joined(forms: list[bool | None], *, decisive: bool) -> bool | None:
    if decisive in forms:
        return decisive
    return None if None in forms else not decisive


def _id(value: str | None, given: dict[str, Any]) -> bool:
    seen = None if value is None else shown(value)
    checks: dict[str, Callable[[Any], bool]] = {
        "eq": lambda wanted: seen == wanted,
        "in": lambda wanted: seen in wanted,
        "notIn": lambda unwanted: seen not in unwanted,
        "isNull": lambda wanted: (seen is None) == wanted,
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
    return all(checks[name](plain(shown(value)), wanted) for name, wanted in asked.items())


def matches_name(name: str | None, given: dict[str, Any]) -> bool:
    """Whether the name of an agentflow passes a filter of names."""
    return _string(name, given)


def _number(
    value: int | None, given: dict[str, Any], read: Callable[[Any], Any] = lambda bound: bound
) -> bool:
    checks: dict[str, Callable[[int, Any], bool]] = {
        "gt": lambda number, bound: number > bound,
        "gte": lambda number, bound: number >= bound,
        "lt": lambda number, bound: number < bound,
        "lte": lambda number, bound: number <= bound,
    }
    asked = {name: bound for name, bound in given.items() if bound is not None}
    if value is None:
        return not asked
    return all(checks[name](value, read(bound)) for name, bound in asked.items())


def _instant(value: int | None, given: dict[str, Any]) -> bool:
    return _number(value, given, instants.read)


_FIELDS: dict[str, Callable[[ExecutionRow, Any], bool]] = {
    "guid": lambda row, given: _id(row.guid, given),
    "agentflowId": lambda row, given: _id(row.agentflow_id, given),
    "agentflowName": lambda row, given: _string(row.agentflow_name, given),
    "sessionId": lambda row, given: _id(row.session_id, given),
    "state": lambda row, given: _id(row.state, given),
    "createdOn": lambda row, given: _instant(row.created_on, given),
    "updatedOn": lambda row, given: _instant(row.updated_on, given),
    "finishedOn": lambda row, given: _instant(row.finished_on, given),
    "durationMs": lambda row, given: _number(row.duration_ms, given),
    "workspaceId": lambda row, given: _id(row.workspace_id, given),
    "error": lambda row, given: _string(row.error, given),
    "and": lambda row, parts: all(matches(row, part) for part in parts),
    "or": lambda row, parts: any(matches(row, part) for part in parts),
    "not": lambda row, part: not matches(row, part),
}
