"""Parse the parameters and bodies of the REST routes."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from db.errors import InvalidInput, quote
from db.instants import is_date_only, parse_lenient
from db.models import ExecutionState
from db.reading.filters import AllOf, Condition, Filter
from db.reading.normal_filters import normalised
from db.reading.paging import LAST_PAGE
from server.http.json_text import read_json
from server.rest.names import DocumentedNames

DEFAULT_LIMIT = 12
"""The size of a page when only ``page`` is given."""
STATE_NAMES = ", ".join(ExecutionState)

_PAGING = ("page", "limit")
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Paging:
    """The number of a page, from 1, and its size."""

    page: int
    limit: int

    @property
    def offset(self) -> int:
        """The number of executions before the page."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request for a list: its filter, and the page, or None for the whole list.

    ``other_parameters`` are those other than ``page`` and ``limit``, encoded for links to other
    pages.
    """

    filter: Filter
    paging: Paging | None
    other_parameters: str


def read_list(query_string: bytes, max_page_size: int, max_parameters: int) -> ListRequest:
    """Parse a query string.

    Raises InvalidInput for an invalid value, for a name that is almost a documented one, and for
    more than ``max_parameters`` parameters.
    """
    given: dict[str, list[str]] = {name: [] for name in (*_PAGING, *PARAMETERS)}
    others: list[tuple[str, str]] = []
    for written, raw in _parameters(query_string, max_parameters):
        value = _text(raw)
        name = _NAMES.read(written, value)
        if name is None:
            others.append((written, value))
            continue
        if name not in _PAGING:
            others.append((written, _checked(name, raw)))
        # Empty values mean no filter; repeated values count once.
        if value and value not in given[name]:
            given[name].append(_checked(name, raw))
    return ListRequest(
        filter=_filter(given),
        paging=_paging(given, max_page_size),
        other_parameters=f"{urlencode(others)}&" if others else "",
    )


def read_include(query_string: bytes, max_parameters: int) -> bool:
    """Return whether a request for one execution asks for its content too.

    Raises InvalidInput for anything else to be included, for a name that is almost the documented
    one, and for more than ``max_parameters`` parameters.
    """
    if not query_string:
        return False
    given = [(name, _text(raw)) for name, raw in _parameters(query_string, max_parameters)]
    values = [value for name, value in given if _NAMES_FOR_ONE.read(name, value) is not None]
    wanted = [each for value in values for each in value.split(",") if each]
    for each in wanted:
        if each != _DATA:
            raise InvalidInput.of(_INCLUDE, each, _DATA)
    return bool(wanted)


def _parameters(query_string: bytes, maximum: int) -> Iterator[tuple[str, bytes]]:
    # Text after a semicolon is tested like a parameter, so count it.
    count = 1 + sum(query_string.count(each) for each in (b"&", b";", b"%3B", b"%3b"))
    if count > maximum:
        raise InvalidInput(
            f"A query may have at most {maximum} parameters (max_parameters); got {count}",
            limit="max_parameters",
        )
    for part in filter(None, query_string.split(b"&")):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        yield _text(unquote_to_bytes(name)), unquote_to_bytes(value)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _checked(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidInput.of(name, _text(raw), "in UTF-8, percent-encoded") from None


def _paging(given: Mapping[str, list[str]], max_page_size: int) -> Paging | None:
    page, limit = _single(given, "page"), _single(given, "limit")
    if page is None and limit is None:
        return None
    return Paging(
        page=_number("page", page, 1, LAST_PAGE),
        limit=_number("limit", limit, min(DEFAULT_LIMIT, max_page_size), max_page_size),
    )


def _filter(given: Mapping[str, list[str]]) -> Filter:
    conditions: list[Condition] = []
    for name, read in PARAMETERS.items():
        value = ",".join(given[name]) if name in _LISTS else _single(given, name)
        if value:
            conditions.append(read(value))
    return normalised(AllOf(tuple(conditions)))


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
"""Every filter of the list, with the condition that it means."""

_LISTS = ("state",)
_NAMES = DocumentedNames((*_PAGING, *PARAMETERS), lists=_LISTS)
_INCLUDE, _DATA = "include", "data"
_NAMES_FOR_ONE = DocumentedNames((_INCLUDE,), lists=(_INCLUDE,))


def read_state(value: Any, name: str = "state") -> ExecutionState:
    """Return one of the six states. Raises InvalidInput for any other value."""
    if isinstance(value, str) and value in ExecutionState.__members__:
        return ExecutionState(value)
    raise InvalidInput.of(name, value, f"one of {STATE_NAMES}")


def read_update(body: bytes) -> ExecutionState | None:
    """Return the state that an update sets, or None if it sets none.

    Raises InvalidInput if the body is not a JSON object or the state is not one of the six.
    """
    members = _object(body)
    return read_state(members["state"]) if "state" in members else None


def read_guids(body: bytes, max_ids: int) -> list[str]:
    """Return the guids that a deletion names.

    Raises InvalidInput if they are not an array of one to ``max_ids`` strings.
    """
    guids = _object(body).get("executionIds")
    if isinstance(guids, list) and len(guids) > max_ids:
        raise InvalidInput(
            f"executionIds must be at most {max_ids} guids (max_ids); got {len(guids)}",
            limit="max_ids",
        )
    if not isinstance(guids, list) or not guids or not all(isinstance(g, str) for g in guids):
        raise InvalidInput.of("executionIds", guids, "an array of at least one guid, as strings")
    return guids


def _object(body: bytes) -> dict[str, Any]:
    members = read_json("The body", body, expected="a JSON object in UTF-8")
    if not isinstance(members, dict):
        raise InvalidInput(f"The body must be a JSON object; got {quote(members)}")
    return members


def _single(given: Mapping[str, list[str]], name: str) -> str | None:
    values = given[name]
    if len(values) > 1:
        raise InvalidInput(f"{name} must be given once; it was given with {len(values)} values")
    return values[0] if values else None


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
        return parse_lenient(value)
    except ValueError as error:
        hint = " (in a URL, a + is written %2B)" if " " in value else ""
        expected = "ISO 8601, such as 2023-11-14 or 2023-11-14T22:13:20Z, or epoch milliseconds"
        raise InvalidInput(
            f"{name} must be {expected}{hint}; got {quote(value)}: {error}"
        ) from None
