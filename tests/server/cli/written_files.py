"""Executions as files of every format, and how they are read and refused."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from db.errors import InvalidInput
from db.writing.loading import LoadedExecution
from server.cli.import_files import REQUIRED, Row, read_executions

Values = Mapping[str, Any]

START = 1_700_000_000_000
FULL: Values = {
    "id": 7,
    "guid": "g-1",
    "agentflow_id": "flow-1",
    "agentflow_name": "Support agent",
    "session_id": "session-1",
    "state": "FINISHED",
    "created_on": START,
    "updated_on": START + 5,
    "finished_on": START + 3,
}
LEAST: Values = {column: FULL[column] for column in REQUIRED}
BLANKS = "\n" * 70_000
"""More than is read of a file at once."""


def as_csv(rows: Iterable[Values], end: str = "\n") -> str:
    rows = list(rows)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def as_json_lines(rows: Iterable[Values]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def as_json_array(rows: Iterable[Values]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


FORMATS: dict[str, Callable[[Iterable[Values]], str]] = {
    "CSV": as_csv,
    "JSON Lines": as_json_lines,
    "JSON array": as_json_array,
}
# A file of CSV and an array begin with a line that is no row.
FIRST_LINE = {"CSV": 2, "JSON Lines": 1, "JSON array": 2}

every_format = pytest.mark.parametrize("kind", FORMATS)
both_json = pytest.mark.parametrize("kind", ["JSON Lines", "JSON array"])


def read(content: str | bytes) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_executions(io.BytesIO(data), "runs.txt"))


def refused(content: str | bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(content)
    return refused.value.message


def row_of(values: Values) -> Row:
    execution = LoadedExecution._make(values.get(name) for name in LoadedExecution._fields)
    return execution, values.get("agentflow_name")
