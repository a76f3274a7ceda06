"""Files in the variants that real programs write are imported, or rejected by their kind."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInput
from server.cli.import_files import Row, read_executions
from tests.server.cli.written_files import FULL, Values, as_csv, read

HEADER = "guid,agentflow_id,state,created_on"
CSV = f"{HEADER}\ng-1,flow-1,FINISHED,1700000000000\ng-2,flow-1,ERROR,1700000000001\n"
OBJECTS = [
    {"guid": guid, "agentflow_id": "flow-1", "state": state, "created_on": created_on}
    for guid, state, created_on in [
        ("g-1", "FINISHED", 1_700_000_000_000),
        ("g-2", "ERROR", 1_700_000_000_001),
    ]
]


def _read(content: str | bytes) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_executions(io.BytesIO(data), "runs.txt"))


def _refused(content: str | bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        _read(content)
    return refused.value.message


ROWS = _read(CSV)
TEXTS = {
    "CSV": CSV,
    "JSON Lines": "".join(f"{json.dumps(each)}\n" for each in OBJECTS),
    "JSON array": json.dumps(OBJECTS, indent=1),
    "JSON list": json.dumps({"data": OBJECTS, "total": 2}, indent=1),
}
every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


# Encodings


@every_text
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_texts_are_read_in_utf_8_and_utf_16(text: str, encoding: str) -> None:
    assert _read(text.encode(encoding)) == ROWS


@every_text
def test_a_file_in_gzip_is_unpacked_while_it_is_read(text: str) -> None:
    assert _read(gzip.compress(text.encode())) == ROWS


def test_utf_16_in_gzip_is_read_too() -> None:
    assert _read(gzip.compress(CSV.encode("utf-16"))) == ROWS


def test_gzip_that_is_cut_off_is_named() -> None:
    assert _refused(gzip.compress(CSV.encode())[:-9]) == (
        "runs.txt is in gzip that is damaged or cut off"
    )


def test_utf_16_that_is_cut_off_is_named() -> None:
    assert _refused(CSV.encode("utf-16")[:-1]) == "runs.txt is not valid UTF-16"


def _zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (_zip(), "a zip archive or an Excel workbook; unpack it, or save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel workbook; save it as CSV"),
        (b"SQLite format 3\0" + bytes(100), "an SQLite database; export its rows"),
        (b"PAR1" + bytes(100), "a Parquet file; export its rows"),
        (bz2.compress(CSV.encode()), "compressed with bzip2; pass it on unpacked"),
        (lzma.compress(CSV.encode()), "compressed with xz; pass it on unpacked"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "compressed with zstd; pass it on unpacked"),
        (CSV.encode("utf-32"), "in UTF-32; save it in UTF-8"),
        (b"\x7fELF" + bytes(100), "not text; it must be CSV, JSON Lines or a JSON array"),
    ],
    ids=["xlsx", "xls", "SQLite", "Parquet", "bzip2", "xz", "zstd", "UTF-32", "a program"],
)
def test_a_file_of_another_kind_is_named_by_what_it_is(content: bytes, kind: str) -> None:
    assert _refused(content).startswith(f"runs.txt is {kind}")


# Line ends


@every_text
@pytest.mark.parametrize("end", ["\r", "\r\n"], ids=["CR", "CRLF"])
def test_lines_may_end_as_on_any_system(text: str, end: str) -> None:
    assert _read(text.replace("\n", end)) == ROWS


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
@pytest.mark.parametrize(
    ("kind", "line"), [("CSV", 3), ("JSON Lines", 2), ("JSON array", 8), ("JSON list", 9)]
)
def test_a_line_is_counted_whatever_lines_end_with(kind: str, line: int, end: str) -> None:
    bad = TEXTS[kind].replace("ERROR", "DONE").replace("\n", end)
    assert _refused(bad).startswith(f"runs.txt, line {line}: state must be one of ")


def test_a_text_of_several_lines_keeps_them() -> None:
    [(execution, _)] = _read(f'{HEADER}\n"g\r\n1",flow-1,ERROR,0\n')
    assert execution.guid == "g\r\n1"


# Separators


@pytest.mark.parametrize("separator", [";", "\t", "|"], ids=["semicolon", "tab", "bar"])
def test_values_may_be_separated_by_other_characters(separator: str) -> None:
    assert _read(CSV.replace(",", separator)) == ROWS


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"'])
def test_excel_says_the_separator_in_a_line_of_its_own(said: str) -> None:
    assert _read(f"{said}\r\n" + CSV.replace(",", ";").replace("\n", "\r\n")) == ROWS
    assert _refused(f"{said}\n" + CSV.replace(",", ";").replace("ERROR", "DONE")).startswith(
        "runs.txt, line 4: "
    )


def test_titles_in_quotation_marks_tell_the_separator_too() -> None:
    quoted = ";".join(f'"{title}"' for title in HEADER.split(","))
    assert _read(CSV.replace(HEADER, quoted).replace(",", ";")) == ROWS


def test_a_value_may_hold_the_other_separators() -> None:
    [(execution, _)] = _read(f'{HEADER}\n"g;1\t|,",flow-1,ERROR,0\n')
    assert execution.guid == "g;1\t|,"


def test_rows_with_nothing_in_them_are_passed_over() -> None:
    first, *rows = CSV.splitlines(keepends=True)
    assert _read(f",,,\n{first},,,\n{rows[0]},,,\n\n{rows[1]},,,\n,,,\n") == ROWS


def test_a_column_that_is_not_read_may_hold_a_long_text() -> None:
    long = "x" * 3_000_000
    [header, *rows] = CSV.splitlines()
    content = "\n".join([f"{header},notes", *(f'{row},"{long}"' for row in rows)])
    assert _read(content) == ROWS


def test_a_quotation_mark_that_is_never_closed_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.cli.import_csv._LONGEST_FIELD", 1000)
    assert _refused(f'{HEADER}\n"g-1,{"x" * 2000}') == (
        "runs.txt, line 2: a value has more than 128 MiB; a quotation mark may never be closed"
    )
    csv.field_size_limit(1 << 27)


# Lists within an object


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": OBJECTS}),
        json.dumps({"total": 2, "page": {"number": 1}, "data": OBJECTS, "more": [1, {"a": 2}]}),
        json.dumps({"data": OBJECTS, "guid": "of the list"}),
        "\n\n " + json.dumps({"success": True, "data": OBJECTS}, indent=2) + "\n\n",
    ],
    ids=["alone", "among other keys", "before a key of that name", "over several lines"],
)
def test_a_list_within_an_object_is_read(text: str) -> None:
    assert _read(text) == ROWS


def test_an_empty_list_within_an_object_has_no_rows() -> None:
    assert _read('{"data": [], "total": 0}') == []


def test_a_row_may_have_a_list_of_its_own_under_that_name() -> None:
    lines = "".join(f"{json.dumps(each | {'data': [{'node': 1}]})}\n" for each in OBJECTS)
    rows = [(row._replace(data='[{"node":1}]'), name) for row, name in ROWS]
    assert _read(lines) == rows


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"data": [{}], "total": 1} {}', "there is more after the end of the object"),
        ('{"data": [', "not JSON: "),
        ('{"data": []', "not JSON: expected '}', found the end of the file"),
        ('{"data": [1]}', "an execution must be a JSON object; got 1"),
    ],
)
def test_a_list_that_is_not_as_it_should_be_is_refused(text: str, reason: str) -> None:
    text = text.replace("[{}]", json.dumps(OBJECTS))
    assert reason in _refused(text)


# Whatever it is


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_by_name(content: bytes) -> None:
    said = "runs.txt"
    try:
        _read(content)
    except InvalidInput as refused:
        said = refused.message
    assert said.startswith("runs.txt")


# Apostrophes


@pytest.mark.parametrize("text", ["'=1+1", "'-", "'", "''=1", "'a"])
@pytest.mark.parametrize("header", [[*FULL][::-1], [*FULL][1:], ["more", *FULL]])
def test_apostrophes_in_a_file_of_another_origin_are_part_of_the_text(
    header: list[str], text: str
) -> None:
    row = {name: FULL.get(name, "") for name in header} | {"session_id": text}
    [(execution, _)] = read(as_csv([row]))
    assert execution.session_id == text


@pytest.mark.parametrize(
    ("cell", "text"), [("'=1+1", "=1+1"), ("''=1", "'=1"), ("'", ""), ("'a", "'a"), ("", None)]
)
@pytest.mark.parametrize("more", [{}, {"notes": "a column that was added in a spreadsheet"}])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_apostrophes_are_removed_below_the_columns_of_an_export(
    separator: str, more: Values, cell: str, text: str | None
) -> None:
    written = io.StringIO()
    row = {**FULL, "session_id": cell, **more}
    csv.writer(written, delimiter=separator).writerows([row.keys(), row.values()])
    [(execution, _)] = read(written.getvalue())
    assert execution.session_id == text
