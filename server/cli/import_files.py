"""Read executions from files: CSV, JSON Lines, or a JSON array as the REST list returns it."""

import functools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import IO, Any

from db.contents.json_text import JsonReader, NotJson
from db.contents.steps import error_in
from db.errors import InvalidInput, quote
from db.instants import LikelyMisread, checked_ms, floor_ms, parse_lenient
from db.models import (
    LONGEST_TEXT_BYTES,
    ExecutionState,
)
from db.texts import is_broken
from db.writing.loading import LoadedExecution
from server.cli.import_csv import read_csv
from server.cli.import_json import Malformed, find_list, read_array, read_list, reason
from server.cli.import_text import ImportText
from server.rest.files import EMPTY_TEXTS, restored

Row = tuple[LoadedExecution, str | None]

DATA = "data"
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "guid": ("guid",),
    "agentflow_id": ("agentflow_id", "agentflowId"),
    "agentflow_name": ("agentflow_name", "agentflowName"),
    "session_id": ("session_id", "sessionId"),
    "state": ("state",),
    "created_on": ("created_on", "createdOn"),
    "updated_on": ("updated_on", "updatedOn"),
    "finished_on": ("finished_on", "finishedOn"),
    "workspace_id": ("workspace_id", "workspaceId"),
    DATA: (DATA, "executionData"),
}
"""Every column that is read, and the names it may have."""
TITLES = frozenset(title for spellings in SPELLINGS.values() for title in spellings) - {DATA}
"""All names of all columns but ``data``, which may also be the name of a list of executions."""
REQUIRED = ("guid", "agentflow_id", "state", "created_on")
"""The columns in which every row needs a value."""

EXPORTED = (
    "id",
    "guid",
    "agentflow_id",
    "agentflow_name",
    "session_id",
    "state",
    "created_on",
    "updated_on",
)
"""The columns with which a CSV file begins whose apostrophes are those of ``export``."""

LONGEST_DATA = 100 * 2**20
"""The most bytes that the data of an execution may have."""
_TEXTS = ("guid", "agentflow_id", "agentflow_name", "session_id", "workspace_id")
_EMPTY_TEXT = object()
"""Stands for a text that is empty where an empty value is none."""
_STATES = frozenset(state.value for state in ExecutionState)
# Leaves room above for the ids that the database assigns next: a JSON number is exact up to 2^53.
_LARGEST_ID = 2**52
_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)
_SECONDS = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)


def read_executions(file: IO[bytes], name: str, *, in_seconds: bool = False) -> Iterator[Row]:
    """Yield the executions of one file, whose first character tells the format.

    Numbers are epoch milliseconds, or epoch seconds with ``in_seconds``. Raises InvalidInput that
    names the file, the line and what is wrong there.
    """
    text = ImportText(file, name)
    start = text.start()
    to_row = functools.partial(_row, in_seconds=in_seconds)
    from_object = functools.partial(_from_object, to_row)
    match start.lstrip()[:1]:
        case "[":
            return _located(name, read_array(start, text), from_object)
        case "{" if (index := find_list(start, TITLES)) is not None:
            return _located(name, read_list(start, index, text), from_object)
        case "{":
            return _located(name, _read_lines(text), from_object)
    from_exported = functools.partial(_from_exported, to_row)
    return read_csv(
        name,
        text.lines(),
        text.skipped,
        SPELLINGS,
        REQUIRED,
        to_row,
        from_exported,
        EXPORTED,
    )


def read_object(value: Any) -> Row:
    """Return the execution of a JSON object, whose numbers are epoch milliseconds.

    Raises ValueError with what is wrong.
    """
    return _from_object(functools.partial(_row, in_seconds=False), value)


def _located(
    name: str, items: Iterator[tuple[int, Any]], convert: Callable[[Any], Row]
) -> Iterator[Row]:
    line = 1
    try:
        for line, item in items:  # noqa: B007 - the error names the line of a bad row
            yield convert(item)
    except Malformed as error:
        raise InvalidInput(f"{name}, line {error.line}: {error}") from None
    except ValueError as error:
        raise InvalidInput(f"{name}, line {line}: {error}") from None


def _read_lines(text: ImportText) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.lines(), text.skipped + 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise Malformed(number, f"not JSON: {reason(error)}") from None


def _from_object(to_row: Callable[[Mapping[str, Any]], Row], item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError(  # noqa: TRY004 - the file's fault, not the program's
            f"an execution must be a JSON object; got {quote(item)}"
        )
    found = {}
    for column, spellings in SPELLINGS.items():
        for spelling in spellings:
            if item.get(spelling) is not None:
                found[column] = item[spelling]
    empty_texts = item.get(EMPTY_TEXTS)
    if isinstance(empty_texts, list):
        found |= {name: _EMPTY_TEXT for name in _TEXTS if name in empty_texts}
    return to_row(found)


def _from_exported(to_row: Callable[[Mapping[str, Any]], Row], cells: Mapping[str, str]) -> Row:
    texts = {name: restored(cells[name]) or _EMPTY_TEXT for name in _TEXTS if cells.get(name)}
    return to_row({**cells, **texts})


def _row(values: Mapping[str, Any], *, in_seconds: bool) -> Row:
    get = values.get

    def instant(column: str, value: Any) -> int:
        return _milliseconds(column, value, in_seconds=in_seconds)

    state = get("state")
    if not isinstance(state, str) or state not in _STATES:
        allowed = ", ".join(ExecutionState)
        raise ValueError(f"state must be one of {allowed}; got {quote(state)}")
    data = _optional(values, DATA, _data)
    execution = LoadedExecution(
        id=_optional(values, "id", _identifier),
        guid=_text("guid", get("guid")),
        agentflow_id=_text("agentflow_id", get("agentflow_id")),
        session_id=_optional(values, "session_id", lambda text: _text("session_id", text)),
        state=state,
        created_on=instant("created_on", get("created_on")),
        updated_on=_optional(values, "updated_on", lambda at: instant("updated_on", at)),
        finished_on=_optional(values, "finished_on", lambda at: instant("finished_on", at)),
        workspace_id=_optional(values, "workspace_id", lambda text: _text("workspace_id", text)),
        data=data,
        error=None if data is None else error_in(data),
    )
    return execution, _optional(
        values,
        "agentflow_name",
        lambda text: _text("agentflow_name", text),
    )


def _optional(values: Mapping[str, Any], column: str, read: Callable[[Any], Any]) -> Any:
    value = values.get(column)
    return None if value is None or value == "" else read(value)


def _text(column: str, value: Any) -> str:
    if value is _EMPTY_TEXT:
        return ""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{column} must be a text that is not empty; got {quote(value)}")
    if "\0" in value:
        raise ValueError(f"{column} must have no null character in it; got {quote(value)}")
    size = len(value)
    if not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise ValueError(f"{column} is not valid UTF-8: {quote(value)}") from None
    if size > LONGEST_TEXT_BYTES:
        raise ValueError(
            f"{column} must be at most {LONGEST_TEXT_BYTES:,} bytes long; it has {size:,}"
        )
    return value


def _data(value: Any) -> str:
    """Return a JSON value, or a text that is JSON already, as JSON text."""
    text = value if isinstance(value, str) else _as_json(value)
    size = len(text)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{DATA} is not valid UTF-8: {quote(value)}") from None
    if size > LONGEST_DATA:
        raise ValueError(f"{DATA} must be at most {LONGEST_DATA:,} bytes long; it has {size:,}")
    reader = JsonReader(text)
    try:
        reader.skip()
        reader.finish()
    except NotJson as error:
        raise ValueError(f"{DATA} must be JSON; got {quote(value)}: {error}") from None
    return text


def _as_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Lone surrogates are JSON as long as they are escaped.
    return text if not is_broken(text) else json.dumps(value)


def _identifier(value: Any) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _LARGEST_ID:
        raise ValueError(f"id must be a whole number from 1 to 2^52; got {quote(value)}")
    return number


def _milliseconds(column: str, value: Any, *, in_seconds: bool) -> int:
    unit = "seconds" if in_seconds else "milliseconds"
    try:
        number = _number(value, in_seconds=in_seconds)
        if number is None:
            return floor_ms(parse_lenient(value))
        return checked_ms(math.floor(number * 1000) if in_seconds else int(number), unit)
    except ValueError as error:
        needed = "" if in_seconds or not isinstance(error, LikelyMisread) else _NEEDS_SECONDS
        raise ValueError(
            f"{column} must be epoch {unit} or ISO 8601, in the years 1 to 9999; "
            f"got {quote(value)}: {error}{needed}"
        ) from None


_NEEDS_SECONDS = "; a file of epoch seconds is imported with --seconds"


def _number(value: Any, *, in_seconds: bool) -> Fraction | int | None:
    """Return the value as a number, or None if it is a text that holds no number."""
    if isinstance(value, str):
        pattern = _SECONDS if in_seconds else _DIGITS
        return Fraction(value) if pattern.fullmatch(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if in_seconds and isinstance(value, float) and math.isfinite(value):
        # The decimal fraction as it was written, not the nearest binary one.
        return Fraction(repr(value))
    raise ValueError("it is no whole number and no text")
