"""Reading the parameters and bodies of the REST routes, as ``rest-api.md`` documents them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import QueryParams

from db.errors import InvalidInput, quote
from db.filters import AllOf, Condition, Filter
from db.instants import is_date_only, parse_lenient
from db.models import ExecutionState

DEFAULT_LIMIT = 12
"""How many executions a page holds when only ``page`` is given."""
LAST_PAGE = 2**31 - 1
"""The highest number of a page."""
STATE_NAMES = ", ".join(ExecutionState)

_PAGING = ("page", "limit")
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is asked for, from 1, and how many executions it holds."""

    page: int
    limit: int

    @property
    def offset(self) -> int:
        """How many executions come before it."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list that is asked for: what it holds, and which page of it, if not all of it.

    ``other_parameters`` are those that make no page, as they go into a link to another one.
    """

    filter: Filter
    paging: Paging | None
    other_parameters: str


def read_list(query_string: bytes, max_page_size: int) -> ListRequest:
    """Read what stands behind the question mark.

    Raises InvalidInput for a malformed value.
    """
    query = QueryParams(query_string)
    others = [(name, value) for name, value in query.multi_items() if name not in _PAGING]
    return ListRequest(
        filter=read_filter(query),
        paging=read_paging(query, max_page_size),
        other_parameters=f"{urlencode(others)}&" if others else "",
    )


def read_paging(query: QueryParams, max_page_size: int) -> Paging | None:
    """The page that is asked for; None for the whole list.

    Raises InvalidInput for a page or a limit that can't be.
    """
    page, limit = _single(query, "page"), _single(query, "limit")
    if page is None and limit is None:
        return None
    return Paging(
        page=_number("page", page, 1, LAST_PAGE),
        limit=_number("limit", limit, min(DEFAULT_LIMIT, max_page_size), max_page_size),
    )


def read_filter(query: QueryParams) -> Filter:
    """What the list is filtered by; an empty value filters nothing.

    Raises InvalidInput for a malformed value.
    """
    conditions: list[Condition] = []
    for name, read in PARAMETERS.items():
        value = (
            ",".join(filter(None, query.getlist(name))) if name == "state" else _single(query, name)
        )
        if value:
            conditions.append(read(value))
    return AllOf(tuple(conditions))


def _equal(field: str) -> Callable[[str], Condition]:
    return lambda value: Condition(field, "eq", value)


def _agentflow_name(value: str) -> Condition:
    return Condition("agentflow_name", "contains", value, ignore_case=True)


def _states(value: str) -> Condition:
    names = [name.strip() for name in value.split(",")]
    return Condition("state", "in", tuple(dict.fromkeys(map(read_state, names))))


def _start(value: str) -> Condition:
    return Condition("created_on", "gte", _instant("startDate", value))


def _end(value: str) -> Condition:
    instant = _instant("endDate", value)
    if not is_date_only(value):
        return Condition("created_on", "lte", instant)
    last_moment = timedelta(days=1) - timedelta(microseconds=1)
    return Condition("created_on", "lte", instant + last_moment)


PARAMETERS: dict[str, Callable[[str], Condition]] = {
    "guid": _equal("guid"),
    "agentflowId": _equal("agentflow_id"),
    "agentflowName": _agentflow_name,
    "sessionId": _equal("session_id"),
    "state": _states,
    "startDate": _start,
    "endDate": _end,
}
"""Every filter of the list, and the condition that it stands for."""


def read_state(value: Any, name: str = "state") -> ExecutionState:
    """One of the six states. Raises InvalidInput when it is none of them."""
    if isinstance(value, str) and value in ExecutionState.__members__:
        return ExecutionState(value)
    raise InvalidInput.of(name, value, f"one of {STATE_NAMES}")


def read_update(body: bytes) -> ExecutionState | None:
    """The state that an update sets; None when it sets none.

    Raises InvalidInput when the body is no JSON object or the state none of the six.
    """
    members = _object(body)
    return read_state(members["state"]) if "state" in members else None


def read_guids(body: bytes, max_ids: int) -> list[str]:
    """The guids that a deletion names.

    Raises InvalidInput when they are not an array of one to ``max_ids`` strings.
    """
    guids = _object(body).get("executionIds")
    if not isinstance(guids, list) or not guids or not all(isinstance(g, str) for g in guids):
        raise InvalidInput.of("executionIds", guids, "an array of at least one guid, as strings")
    if len(guids) > max_ids:
        raise InvalidInput(
            f"executionIds must be at most {max_ids} guids (max_ids); got {len(guids)}",
            limit="max_ids",
        )
    return guids


def _object(body: bytes) -> dict[str, Any]:
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body must be a JSON object in UTF-8: {error}") from None
    if not isinstance(members, dict):
        raise InvalidInput(f"The body must be a JSON object; got {quote(members)}")
    return members


def _single(query: QueryParams, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise InvalidInput(f"{name} must be given once; it was given {len(values)} times")
    return values[0] if values and values[0] else None


def _number(name: str, value: str | None, default: int, largest: int) -> int:
    if value is None:
        return default
    number = int(value) if _NUMBER.fullmatch(value) else 0
    if not 1 <= number <= largest:
        limit = "max_page_size" if name == "limit" and number > largest else None
        raise InvalidInput.of(name, value, f"a whole number from 1 to {largest}", limit=limit)
    return number


def _instant(name: str, value: str) -> datetime:
    try:
        instant = parse_lenient(value)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        hint = " (in a URL, a + is written %2B)" if " " in value else ""
        raise InvalidInput.of(
            name,
            value,
            f"ISO 8601, such as 2023-11-14 or 2023-11-14T22:13:20Z, or epoch milliseconds{hint}",
        ) from None
