r"""Executions as CSV and JSON Lines: what ``export`` and the REST API write, and ``import`` reads.

CSV is RFC 4180's: every text is in quotes, and an empty cell without quotes is null. A text that a
spreadsheet would run as a formula gets an apostrophe before it. So does a text that is empty, to
tell it from null, or that has only apostrophes before its end or such a formula: thus each cell is
the text of exactly one cell, and ``restored`` finds it.

Times are epoch milliseconds, except those that ``import`` would take for seconds: ISO 8601.
"""

import re
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from db.instants import FIRST_IN_DIGITS, format_iso, from_ms
from db.source import ExecutionRow
from server.http.json_text import write_json

_NOT_WRITTEN = ("duration_ms", "error")
COLUMNS = tuple(name for name in ExecutionRow._fields if name not in _NOT_WRITTEN)
"""The columns of CSV and the keys of JSON Lines. They tell the duration; an error is in data."""
CSV_HEADER = b",".join(name.encode() for name in COLUMNS) + b"\r\n"
EMPTY_TEXTS = "empty_texts"
"""A key of JSON Lines: the keys whose text is empty. Otherwise ``import`` takes "" for null."""

_CELLS = len(COLUMNS)
_TIMES = [place for place, name in enumerate(COLUMNS) if name.endswith("_on")]
_TEXTS = [place for place, name in enumerate(COLUMNS) if name.endswith(("guid", "_id", "_name"))]
_time_getters = [itemgetter(place) for place in _TIMES]
_text_getters = [itemgetter(place) for place in _TEXTS]

# The first cell is a number and quotes within texts are escaped, so each text begins with ,"
_NEEDS_APOSTROPHE = re.compile(
    rb""","(?='*(?:["=+\-@]|\\[tnr]|\\u0000|\xef\xbc[\x8b\x8d\x9d\xa0]))"""
)
_HAS_APOSTROPHE = re.compile("'+(?:[=+\\-@\t\n\r\0\uff0b\uff0d\uff1d\uff20]|\\Z)")
_ESCAPED = re.compile(rb"\\(?:u00(..)|(.))")
_UNESCAPED = {b'"': b'""', b"\\": b"\\", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r"}
_UNESCAPED[b"t"] = b"\t"


def csv_lines(rows: Sequence[Any]) -> bytes:
    """Serialize rows of ``COLUMNS`` as lines of CSV, each with its line end."""
    if not rows:
        return b""
    rows = _readable(rows)
    # JSON is the fastest way to numbers and texts in quotes, and differs little from CSV.
    written = write_json(rows)[2:-2]
    if _is_regular(written, rows):
        # Faster than ``replace``, which counts first.
        lines = b"\r\n".join(written.split(b"],["))
        lines = b",".join(lines.split(b",null"))
    else:
        lines = b"\r\n".join([b",".join(map(_cell, row)) for row in rows])
    lines = _NEEDS_APOSTROPHE.sub(b""","'""", lines)
    return _unescape(lines) + b"\r\n"


def _is_regular(written: bytes, rows: Sequence[Any]) -> bool:
    """Whether brackets and nulls of an array of arrays are never part of a text."""
    # Most texts have no comma, and without one they have neither.
    if written.count(b",") == len(rows) * _CELLS - 1:
        return True
    nulls = sum(row.count(None) for row in rows)
    return written.count(b",null") == nulls and written.count(b"],[") == len(rows) - 1


def _cell(value: Any) -> bytes:
    return b"" if value is None else write_json(value)


def _unescape(lines: bytes) -> bytes:
    escapes = lines.count(b"\\")
    if escapes == 0:
        return lines
    if escapes == lines.count(b'\\"'):
        return lines.replace(b'\\"', b'""')
    return _ESCAPED.sub(_unescaped, lines)


def _unescaped(found: re.Match[bytes]) -> bytes:
    code, character = found.groups()
    return _UNESCAPED[character] if code is None else bytes.fromhex(code.decode())


def restored(cell: str) -> str:
    """Return the text that a cell of ``csv_lines`` was written for; a null's cell stays empty."""
    return cell[1:] if _HAS_APOSTROPHE.match(cell) else cell


def json_lines(rows: Sequence[Any]) -> bytes:
    """Serialize rows of ``COLUMNS`` as JSON Lines."""
    if not rows:
        return b""
    objects = [
        # A literal takes a third of the time of zipping names and values.
        {
            "id": number,
            "guid": guid,
            "agentflow_id": agentflow_id,
            "agentflow_name": agentflow_name,
            "session_id": session_id,
            "state": state,
            "created_on": created_on,
            "updated_on": updated_on,
            "finished_on": finished_on,
            "workspace_id": workspace_id,
        }
        for (
            number,
            guid,
            agentflow_id,
            agentflow_name,
            session_id,
            state,
            created_on,
            updated_on,
            finished_on,
            workspace_id,
        ) in _readable(rows)
    ]
    if any("" in map(get, rows) for get in _text_getters):
        objects = [_with_empty_texts(each) for each in objects]
    # A text can't have this in it, because a backslash would precede its quotation marks.
    return write_json(objects)[1:-1].replace(b'},{"id":', b'}\n{"id":') + b"\n"


def _with_empty_texts(line: dict[str, Any]) -> dict[str, Any]:
    empty = [name for name, value in line.items() if value == ""]
    return {**line, EMPTY_TEXTS: empty} if empty else line


def _readable(rows: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
    """Return rows as tuples, with those times in ISO 8601 that would be taken for seconds."""
    if type(rows[0]) is not tuple:
        rows = [tuple(row) for row in rows]
    times = chain.from_iterable(filter(None, map(get, rows)) for get in _time_getters)
    if min(times, default=FIRST_IN_DIGITS) >= FIRST_IN_DIGITS:
        return rows
    return [
        tuple(_readable_time(value) if at in _TIMES else value for at, value in enumerate(row))
        for row in rows
    ]


def _readable_time(value: int | None) -> int | str | None:
    if value is None or not 0 < value < FIRST_IN_DIGITS:
        return value
    return format_iso(from_ms(value))
