"""Executions as CSV and JSON Lines: exact bytes, and read back by ``import`` as they were."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.instants import EARLIEST_MS, FIRST_IN_DIGITS, LATEST_MS
from db.models import ExecutionState
from db.source import ExecutionRow
from db.writing.loading import LoadedExecution
from server.cli.import_files import EXPORTED, SPELLINGS, read_executions
from server.rest.files import COLUMNS, CSV_HEADER, csv_lines, json_lines, restored
from tests.examples import examples
from tests.sample import SAMPLE, START

ROW = SAMPLE[1]._replace(duration_ms=None, error=None)
FULL_WIDTH = ["\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", *FULL_WIDTH]
ODD_TEXTS = [
    *FORMULAS,
    *(f"'{text}" for text in FORMULAS),
    *("'", "''", "''=1", "'a", "''a", "a'", "a=1", " =1"),
    *('"', '""', '"=1"', "'\"", 'say "hi"', 'end"', ',"=1', ',"', "a,b", ",", ",,"),
    *("a\nb", "a\r\nb", "a\rb", "a\tb", "\\", "a\\", '\\"', "\\n", "\\u0041", "\\\\"),
    *(
        "],[",
        "a],[b",
        ",null",
        "a,null,b",
        "],[1,null",
        "null",
        '"],["',
        "},{",
        '},{"',
        '"},{"id":',
        '},{"id":',
    ),
    *("\x01", "\x1f\x7f\x85", "\u2028", "\ufeff", " ", "日本", "😀", "0", "1e5", "true"),
]
TIMES = [EARLIEST_MS, -1, 0, 1, 999, FIRST_IN_DIGITS - 1, FIRST_IN_DIGITS, START, LATEST_MS]
TEXT_COLUMNS = ["guid", "agentflow_id", "agentflow_name", "session_id", "workspace_id"]


Write = Callable[[Sequence[ExecutionRow]], bytes]


def _cells(rows: Sequence[ExecutionRow]) -> list[tuple[Any, ...]]:
    """Rows as they are read from a database."""
    return [tuple(getattr(row, name) for name in COLUMNS) for row in rows]


def _csv(rows: Sequence[ExecutionRow]) -> bytes:
    return CSV_HEADER + csv_lines(_cells(rows))


def _json_lines(rows: Sequence[ExecutionRow]) -> bytes:
    return json_lines(_cells(rows))


every_format = pytest.mark.parametrize("write", [_csv, _json_lines])


def _imported(file: bytes) -> list[ExecutionRow]:
    """The rows that an empty database has after it imported a file."""
    found = []
    for execution, name in read_executions(io.BytesIO(file), "runs"):
        values = {**execution._asdict(), "agentflow_name": name}
        assert values.pop("data") is None
        found.append(ExecutionRow(**values))
    return found


def test_csv_is_that_of_rfc_4180_with_each_text_in_quotes_and_null_as_nothing() -> None:
    rows = [
        ROW._replace(
            agentflow_name='A "B", c',
            created_on=START,
            updated_on=START,
            finished_on=START + 7,
            workspace_id="w",
        ),
        ROW._replace(
            agentflow_name=None,
            session_id=None,
            created_on=START,
            updated_on=-1,
            finished_on=None,
            workspace_id=None,
        ),
    ]
    assert csv_lines(_cells(rows)).decode().split("\r\n") == [
        f'2,"guid-07","flow-b","A ""B"", c","session-1","STOPPED",{START},{START},{START + 7},"w"',
        f'2,"guid-07","flow-b",,,"STOPPED",{START},-1,,',
        "",
    ]


def test_the_header_names_the_columns() -> None:
    assert CSV_HEADER.decode() == f"{','.join(COLUMNS)}\r\n"


def test_the_columns_are_all_fields_of_a_row_that_follow_from_no_others_and_are_imported() -> None:
    assert {*COLUMNS, "duration_ms", "error"} == {*ExecutionRow._fields}
    assert tuple(SPELLINGS) == (*COLUMNS, "data")
    assert {*COLUMNS, "data", "error"} == {*LoadedExecution._fields, "agentflow_name"}
    assert COLUMNS[: len(EXPORTED)] == EXPORTED


def test_json_lines_are_objects_with_the_columns_as_keys() -> None:
    lines = json_lines(_cells(SAMPLE)).splitlines(keepends=True)
    assert all(line.endswith(b"}\n") for line in lines)
    written = [dict(zip(COLUMNS, cells, strict=True)) for cells in _cells(SAMPLE)]
    assert [json.loads(line) for line in lines] == written


@pytest.mark.parametrize("write", [csv_lines, json_lines])
def test_no_rows_are_no_lines(write: Write) -> None:
    assert write([]) == b""


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_no_cell_of_csv_begins_as_a_formula(column: str, text: str) -> None:
    changed: dict[str, Any] = {column: text}
    rows = _cells([ROW._replace(**changed)])
    [cells] = csv.reader(io.StringIO(csv_lines(rows).decode(), ""))
    assert cells[COLUMNS.index(column)] == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "a-b", "1", "'a", "say 'hi'", " =1", "é", "。"])
def test_a_text_that_is_no_formula_is_written_as_it_is(text: str) -> None:
    [cells] = csv.reader(
        io.StringIO(csv_lines(_cells([ROW._replace(session_id=text)])).decode(), "")
    )
    assert cells[COLUMNS.index("session_id")] == text
    assert restored(text) == text


def test_a_text_in_json_lines_has_no_apostrophe_before_it() -> None:
    assert json.loads(json_lines(_cells([ROW._replace(session_id="=1")])))["session_id"] == "=1"


@every_format
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_every_text_is_imported_as_it_was(write: Write, text: str) -> None:
    texts: dict[str, Any] = dict.fromkeys(TEXT_COLUMNS, text)
    odd = ROW._replace(**texts)
    assert _imported(write([ROW, odd, ROW])) == [ROW, odd, ROW]


@every_format
@pytest.mark.parametrize("name", [None, "", "'"])
@pytest.mark.parametrize("other", [None, "", "'"])
def test_null_and_an_empty_text_stay_apart(
    write: Write, name: str | None, other: str | None
) -> None:
    row = ROW._replace(agentflow_name=name, session_id=other, workspace_id=other)
    assert _imported(write([row, ROW])) == [row, ROW]


@every_format
def test_guids_and_ids_of_agentflows_may_be_empty_texts_too(write: Write) -> None:
    row = ROW._replace(guid="", agentflow_id="")
    assert _imported(write([row])) == [row]


@every_format
@pytest.mark.parametrize("at", TIMES)
def test_every_time_is_imported_as_it_was(write: Write, at: int) -> None:
    rows = [ROW._replace(created_on=at), ROW._replace(updated_on=at, finished_on=at), ROW]
    assert _imported(write(rows)) == rows


@every_format
def test_a_row_is_written_alike_whatever_stands_beside_it(write: Write) -> None:
    odd = [ROW._replace(session_id=text) for text in ("=1", ",null", "a\n", '"', "")]
    alone = [write([row]).removeprefix(CSV_HEADER) for row in [*odd, ROW]]
    assert write([*odd, ROW]).removeprefix(CSV_HEADER) == b"".join(alone)


@every_format
def test_a_text_that_is_not_utf_8_is_written_with_replacement_characters(write: Write) -> None:
    broken = ROW._replace(session_id="caf\udce9")
    shown = ROW._replace(session_id="caf\ufffd")
    assert write([ROW, broken]) == write([ROW, shown])


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.text(
    "'\"=+-@\t\r\n,;[]{}\\nul\uff1d", max_size=6
)
_times = st.integers(EARLIEST_MS, LATEST_MS) | st.integers(-10, FIRST_IN_DIGITS + 10)
_rows = st.builds(
    ExecutionRow,
    id=st.integers(1, 2**52),
    guid=_texts,
    agentflow_id=_texts,
    agentflow_name=st.none() | _texts,
    session_id=st.none() | _texts,
    state=st.sampled_from([state.value for state in ExecutionState]),
    created_on=_times,
    updated_on=_times,
    finished_on=st.none() | _times,
    duration_ms=st.none(),
    workspace_id=st.none() | _texts,
    error=st.none(),
)


@every_format
@settings(max_examples=examples(1000), deadline=None)
@given(rows=st.lists(_rows, min_size=1, max_size=4))
def test_drawn_rows_are_imported_as_they_were(write: Write, rows: list[ExecutionRow]) -> None:
    assert _imported(write(rows)) == rows


@settings(max_examples=examples(1000), deadline=None)
@given(rows=st.lists(_rows, min_size=1, max_size=4))
def test_no_drawn_cell_of_csv_begins_as_a_formula(rows: list[ExecutionRow]) -> None:
    read: list[list[Any]] = list(csv.reader(io.StringIO(csv_lines(_cells(rows)).decode(), "")))
    starts = {cell[:1] for cells in read for cell in (*cells[1:6], cells[-1])}
    assert not starts & {text[0] for text in FORMULAS}
    assert [len(cells) for cells in read] == [len(COLUMNS)] * len(rows)
