"""Reading executions from files: CSV, JSON Lines, or a JSON array as the REST list answers it."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, TextIO

from db.errors import InvalidInput, quote
from db.instants import EARLIEST_MS, LATEST_MS, floor_ms, parse_lenient
from db.loading import LoadedExecution
from db.models import (
    LARGEST_GIVEN_ID,
    LONGEST_TEXT_BYTES,
    ExecutionState,
)

Row = tuple[LoadedExecution, str | None]

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "guid": ("guid",),
    "agentflow_id": ("agentflow_id", "agentflowId"),
    "agentflow_name": ("agentflow_name", "agentflowName"),
    "session_id": ("session_id", "sessionId"),
    "state": ("state",),
    "created_on": ("created_on", "createdOn"),
    "updated_on": ("updated_on", "updatedOn"),
}
"""Every column that is read, and the names it may have."""
REQUIRED = ("guid", "agentflow_id", "state", "created_on")
"""The columns that every row must fill."""

_STATES = frozenset(state.value for state in ExecutionState)
_DIGITS = re.compile(r"\d{1,16}", re.ASCII)
_CHUNK = 1 << 16
_BOM = "\ufeff"


def read_executions(file: IO[bytes], name: str) -> Iterator[Row]:
    """Read the executions of one file; the format is told from its first character.

    Raises InvalidInput that names the file, the line and what is wrong there.
    """
    # What is not UTF-8 becomes a surrogate, which is refused where its line is known.
    text: TextIO = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    start = text.read(_CHUNK)
    skipped = 0
    while start and not start.strip(f" \t\r\n{_BOM}"):
        skipped += start.count("\n")
        start = text.read(_CHUNK)
    start = start.removeprefix(_BOM)
    first = start.lstrip()[:1]
    if first == "[":
        return _located(name, _read_array(start, text, skipped), _from_object)
    lines = _lines(start, text)
    if first == "{":
        return _located(name, _read_lines(lines, skipped), _from_object)
    return _read_csv(name, lines)


def _located(
    name: str, items: Iterator[tuple[int, Any]], convert: Callable[[Any], Row]
) -> Iterator[Row]:
    line = 1
    try:
        for line, item in items:  # noqa: B007 - the line is named when a row is refused
            yield convert(item)
    except _Malformed as error:
        raise InvalidInput(f"{name}, line {error.line}: {error}") from None
    except ValueError as error:
        raise InvalidInput(f"{name}, line {line}: {error}") from None


class _Malformed(ValueError):
    """The file can't be read on from a line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def _lines(start: str, text: TextIO) -> Iterator[str]:
    rest = start
    while True:
        pieces = rest.split("\n")
        rest = pieces.pop()
        for piece in pieces:
            yield f"{piece}\n"
        chunk = text.read(_CHUNK)
        if not chunk:
            break
        rest += chunk
    if rest:
        yield rest


def _read_csv(name: str, lines: Iterator[str]) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    convert: Callable[[Sequence[str]], Row] | None = None
    line = 1
    try:
        for record in reader:
            if record and convert is None:
                header = [column.strip() for column in record]
                convert = _record_converter(header)
            elif record and convert:
                yield convert(record)
            line = reader.line_num + 1
    except (ValueError, csv.Error) as error:
        raise InvalidInput(f"{name}, line {line}: {error}") from None
    if header is None:
        raise InvalidInput(f"{name} is empty; it must begin with a line of column names")


def _record_converter(header: list[str]) -> Callable[[Sequence[str]], Row]:
    places = {}
    for column, spellings in SPELLINGS.items():
        found = [place for place, title in enumerate(header) if title in spellings]
        if len(found) > 1:
            raise ValueError(f"column {column} is there {len(found)} times")
        if found:
            places[column] = found[0]
        elif column in REQUIRED:
            raise ValueError(f"column {column} is missing; found {', '.join(header)[:200]}")
    width = len(header)

    def convert(record: Sequence[str]) -> Row:
        if len(record) != width:
            raise ValueError(f"it has {len(record)} values for {width} columns")
        return _row({column: record[place] for column, place in places.items()})

    return convert


def _read_lines(lines: Iterable[str], skipped: int) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, skipped + 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _Malformed(number, f"not JSON: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    # What json says of the place is about the piece that it was given, not about the file.
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _read_array(start: str, text: TextIO, skipped: int) -> Iterator[tuple[int, Any]]:
    """The items of an array and the lines they begin on, a piece of the file at a time."""
    scanner = _ArrayScanner(start, text, skipped + 1)
    scanner.expect("[")
    if scanner.peek() == "]":
        scanner.expect("]")
    else:
        while True:
            scanner.peek()
            yield scanner.line, scanner.value()
            if scanner.peek() != ",":
                break
            scanner.expect(",")
        scanner.expect("]")
    if scanner.peek():
        raise _Malformed(scanner.line, "there is more after the end of the array")


class _ArrayScanner:
    def __init__(self, start: str, text: TextIO, line: int) -> None:
        self._buffer = start
        self._place = 0
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self.line = line

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._place < len(self._buffer):
                character = self._buffer[self._place]
                if character not in " \t\r\n":
                    return character
                self.line += character == "\n"
                self._place += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            what = quote(found) if found else "the end of the file"
            raise _Malformed(self.line, f"not JSON: expected {character!r}, found {what}")
        self._place += 1

    def value(self) -> Any:
        while True:
            try:
                value, end = self._decode(self._buffer, self._place)
                # A number that ends with the buffer may go on.
                if end < len(self._buffer) or not self._more():
                    break
            except (ValueError, RecursionError) as error:
                if not self._more():
                    raise _Malformed(self.line, f"not JSON: {_reason(error)}") from None
        self.line += self._buffer.count("\n", self._place, end)
        self._place = end
        return value

    def _more(self) -> bool:
        # Twice as much each time, so that a large value is not scanned too often.
        rest = self._buffer[self._place :]
        chunk = self._text.read(max(_CHUNK, len(rest)))
        self._buffer, self._place = rest + chunk, 0
        return bool(chunk)


def _from_object(item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError(  # noqa: TRY004 - the file's fault, not the program's
            f"an execution must be a JSON object; got {quote(item)}"
        )
    found = {}
    for column, spellings in SPELLINGS.items():
        for spelling in spellings:
            if item.get(spelling) is not None:
                found[column] = item[spelling]
    return _row(found)


def _row(values: Mapping[str, Any]) -> Row:
    get = values.get
    state = get("state")
    if not isinstance(state, str) or state not in _STATES:
        allowed = ", ".join(ExecutionState)
        raise ValueError(f"state must be one of {allowed}; got {quote(state)}")
    execution = LoadedExecution(
        id=_optional(values, "id", _identifier),
        guid=_text("guid", get("guid")),
        agentflow_id=_text("agentflow_id", get("agentflow_id")),
        session_id=_optional(values, "session_id", lambda text: _text("session_id", text)),
        state=state,
        created_on=_milliseconds("created_on", get("created_on")),
        updated_on=_optional(values, "updated_on", lambda at: _milliseconds("updated_on", at)),
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


def _identifier(value: Any) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if (
        isinstance(number, bool)
        or not isinstance(number, int)
        or not 1 <= number <= LARGEST_GIVEN_ID
    ):
        raise ValueError(f"id must be a whole number from 1 to 2^53; got {quote(value)}")
    return number


def _milliseconds(column: str, value: Any) -> int:
    if isinstance(value, str):
        if _DIGITS.fullmatch(value):
            milliseconds = int(value)
        else:
            try:
                milliseconds = floor_ms(parse_lenient(value))
            except ValueError:
                raise _no_instant(column, value) from None
    elif isinstance(value, int) and not isinstance(value, bool):
        milliseconds = value
    else:
        raise _no_instant(column, value)
    if not EARLIEST_MS <= milliseconds <= LATEST_MS:
        raise _no_instant(column, value)
    return milliseconds


def _no_instant(column: str, value: Any) -> ValueError:
    return ValueError(
        f"{column} must be epoch milliseconds or ISO 8601, in the years 1 to 9999; "
        f"got {quote(value)}"
    )
