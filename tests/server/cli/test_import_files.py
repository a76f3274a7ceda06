import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import InvalidInput
from db.instants import EARLIEST_MS, FIRST_IN_DIGITS, LATEST_MS, format_iso, from_ms
from db.models import ExecutionState
from db.writing.loading import LoadedExecution
from server.cli.import_files import REQUIRED, SPELLINGS, Row, read_executions

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
}
LEAST: Values = {column: FULL[column] for column in REQUIRED}
BLANKS = "\n" * 70_000
"""More than is read of a file at once."""


def _csv(rows: Iterable[Values], end: str = "\n") -> str:
    rows = list(rows)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _json_lines(rows: Iterable[Values]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def _json_array(rows: Iterable[Values]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


FORMATS: dict[str, Callable[[Iterable[Values]], str]] = {
    "CSV": _csv,
    "JSON Lines": _json_lines,
    "JSON array": _json_array,
}
# A file of CSV and an array begin with a line that is no row.
FIRST_LINE = {"CSV": 2, "JSON Lines": 1, "JSON array": 2}

every_format = pytest.mark.parametrize("kind", FORMATS)
both_json = pytest.mark.parametrize("kind", ["JSON Lines", "JSON array"])


def _read(content: str | bytes) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_executions(io.BytesIO(data), "runs.txt"))


def _refused(content: str | bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        _read(content)
    return refused.value.message


def _row(values: Values) -> Row:
    execution = LoadedExecution._make(values.get(name) for name in LoadedExecution._fields)
    return execution, values.get("agentflow_name")


@every_format
def test_every_column_is_read(kind: str) -> None:
    assert _read(FORMATS[kind]([FULL])) == [_row(FULL)]


@every_format
@pytest.mark.parametrize(
    ("column", "spelling"),
    [(column, spelling) for column, spellings in SPELLINGS.items() for spelling in spellings],
)
def test_a_column_has_the_name_of_the_table_or_of_rest(
    kind: str, column: str, spelling: str
) -> None:
    respelled = {spelling if name == column else name: value for name, value in FULL.items()}
    assert _read(FORMATS[kind]([respelled])) == [_row(FULL)]


@pytest.mark.parametrize(
    ("column", "spelling"),
    [
        ("agentflow_id", "agentflowId"),
        ("agentflow_name", "agentflowName"),
        ("session_id", "sessionId"),
        ("created_on", "createdOn"),
        ("updated_on", "updatedOn"),
    ],
)
def test_the_spellings_of_rest_are_known(column: str, spelling: str) -> None:
    assert set(SPELLINGS[column]) == {column, spelling}


@every_format
def test_the_columns_that_may_be_missing_are_null(kind: str) -> None:
    assert _read(FORMATS[kind]([LEAST])) == [_row(LEAST)]


@every_format
@pytest.mark.parametrize("column", [column for column in SPELLINGS if column not in REQUIRED])
def test_a_column_that_may_be_missing_may_be_empty(kind: str, column: str) -> None:
    assert _read(FORMATS[kind]([{**FULL, column: ""}])) == [_row({**FULL, column: None})]


@both_json
@pytest.mark.parametrize("column", [column for column in SPELLINGS if column not in REQUIRED])
def test_a_column_that_may_be_missing_may_be_null(kind: str, column: str) -> None:
    nothing = {**FULL, column: None}
    assert _read(FORMATS[kind]([nothing])) == [_row(nothing)]


@every_format
def test_columns_may_come_in_any_order_and_among_others(kind: str) -> None:
    mixed = {"data": "[{}]", **dict(reversed(list(FULL.items()))), "_data": 1}
    assert _read(FORMATS[kind]([mixed])) == [_row(FULL)]


@every_format
def test_rows_come_in_the_order_of_the_file(kind: str) -> None:
    rows = [{**FULL, "id": number, "guid": f"g-{number}"} for number in (3, 1, 2)]
    assert _read(FORMATS[kind](rows)) == [_row(row) for row in rows]


@both_json
def test_objects_need_not_have_the_same_keys(kind: str) -> None:
    assert _read(FORMATS[kind]([LEAST, FULL])) == [_row(LEAST), _row(FULL)]


@every_format
@pytest.mark.parametrize("state", ExecutionState)
def test_each_of_the_six_states_is_read(kind: str, state: str) -> None:
    [(execution, _)] = _read(FORMATS[kind]([{**FULL, "state": str(state)}]))
    assert execution.state == state


@every_format
@pytest.mark.parametrize("column", ["created_on", "updated_on"])
@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        (START, START),
        (str(START), START),
        (0, 0),
        (-1, -1),
        ("-1", -1),
        ("2023-11-14T22:13:20.000Z", START),
        ("2023-11-14T22:13:20z", START),
        ("2023-11-14T22:13:20", START),
        ("2023-11-14 22:13:20", START),
        ("2023-11-15T00:13:20+02:00", START),
        ("2023-11-14T16:43:20-05:30", START),
        ("2023-11-14T22:13:20.123456Z", START + 123),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("2023-11-14", START - 80_000_000),
        (EARLIEST_MS, EARLIEST_MS),
        ("0001-01-01T00:00:00Z", EARLIEST_MS),
        ("9999-12-31T23:59:59.999999Z", LATEST_MS),
        (LATEST_MS, LATEST_MS),
    ],
    ids=str,
)
def test_an_instant_is_epoch_milliseconds_or_iso_8601(
    kind: str, column: str, written: int | str, milliseconds: int
) -> None:
    assert _read(FORMATS[kind]([{**FULL, column: written}])) == [
        _row({**FULL, column: milliseconds})
    ]


@every_format
@pytest.mark.parametrize("column", ["created_on", "updated_on"])
@pytest.mark.parametrize("number", [1, 2026, 20_261_120, START // 1000], ids=str)
def test_a_number_that_would_be_a_time_before_1980_is_refused(
    kind: str, column: str, number: int
) -> None:
    message = _refused(FORMATS[kind]([{**FULL, column: number}]))
    assert f"{column} must be epoch milliseconds or ISO 8601" in message
    assert "taken for epoch milliseconds, it would be 1970-" in message
    assert message.endswith("a file of epoch seconds is imported with --seconds")


def _read_seconds(kind: str, written: object) -> int:
    row = {**FULL, "created_on": written, "updated_on": None}
    raw = FORMATS[kind]([row]).encode()
    [(execution, _)] = read_executions(io.BytesIO(raw), "runs.txt", in_seconds=True)
    return execution.created_on


@every_format
@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        (START // 1000, START),
        (str(START // 1000), START),
        ("1700000000.9999999", START + 999),
        (1_700_000_000.123, START + 123),
        ("-0.0001", -1),
        (0, 0),
        ("2023-11-14T22:13:20Z", START),
    ],
    ids=str,
)
def test_numbers_may_be_meant_as_epoch_seconds(
    kind: str, written: object, milliseconds: int
) -> None:
    assert _read_seconds(kind, written) == milliseconds


@every_format
@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (START, "taken for epoch seconds, it lies outside the years 1 to 9999"),
        (2026, "taken for epoch seconds, it would be 1970-01-01T00:33:46.000Z"),
        ("yesterday", "created_on must be epoch seconds or ISO 8601"),
    ],
    ids=str,
)
def test_what_is_no_epoch_second_is_refused(kind: str, written: object, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        _read_seconds(kind, written)


@both_json
def test_an_id_may_be_written_as_text(kind: str) -> None:
    assert _read(FORMATS[kind]([{**FULL, "id": "7"}])) == [_row(FULL)]


@every_format
def test_an_id_has_up_to_53_bits(kind: str) -> None:
    largest = {**FULL, "id": 2**52}
    assert _read(FORMATS[kind]([largest])) == [_row(largest)]


@every_format
def test_a_byte_order_mark_is_no_part_of_the_file(kind: str) -> None:
    assert _read("\ufeff" + FORMATS[kind]([FULL])) == [_row(FULL)]


@every_format
def test_lines_may_end_as_on_windows(kind: str) -> None:
    assert _read(FORMATS[kind]([FULL, FULL]).replace("\n", "\r\n")) == [_row(FULL)] * 2


@every_format
def test_the_last_line_need_not_end(kind: str) -> None:
    assert _read(FORMATS[kind]([FULL]).rstrip("\n")) == [_row(FULL)]


@every_format
def test_blank_lines_count_for_nothing(kind: str) -> None:
    blank = FORMATS[kind]([FULL, FULL]).replace("\n", "\n\n\r\n")
    assert _read(blank) == [_row(FULL)] * 2


@both_json
@pytest.mark.parametrize("space", ["\n \t\r\n", BLANKS], ids=["a little", "much"])
def test_json_may_begin_with_white_space(kind: str, space: str) -> None:
    assert _read(space + FORMATS[kind]([FULL])) == [_row(FULL)]


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_an_array_may_be_laid_out_in_any_way(indent: int | None) -> None:
    assert _read(json.dumps([FULL, FULL], indent=indent)) == [_row(FULL)] * 2


def test_a_value_in_quotes_may_hold_commas_quotes_and_line_ends() -> None:
    name = 'one, "two"\r\nthree\n'
    assert _read(_csv([{**FULL, "agentflow_name": name}])) == [
        _row({**FULL, "agentflow_name": name})
    ]


def test_spaces_around_the_names_of_columns_count_for_nothing() -> None:
    header, rest = _csv([FULL]).split("\n", 1)
    assert _read(header.replace(",", " , ") + "\n" + rest) == [_row(FULL)]


@every_format
def test_a_file_may_be_longer_than_what_is_read_of_it_at_once(kind: str) -> None:
    rows = [{**FULL, "guid": f"g-{number}-é日本𝄞"} for number in range(3000)]
    assert _read(FORMATS[kind](rows)) == [_row(row) for row in rows]


@every_format
def test_a_value_may_be_longer_than_what_is_read_of_the_file_at_once(kind: str) -> None:
    long = [{"data": "日" * 100_000, **values} for values in (FULL, {**FULL, "guid": "g-2"})]
    assert _read(FORMATS[kind](long)) == [_row(values) for values in long]


@pytest.mark.parametrize("content", ["[]", " [\n]\n", "\ufeff[ ]"], ids=repr)
def test_an_empty_array_has_no_executions(content: str) -> None:
    assert _read(content) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_a_line_of_column_names_alone_has_no_executions(end: str) -> None:
    assert _read(",".join(REQUIRED) + end) == []


@pytest.mark.parametrize(
    "content",
    ["", "\n", " \t\r\n", "\ufeff", BLANKS],
    ids=["no byte", "a line end", "white space", "a byte order mark", "much white space"],
)
def test_a_file_with_nothing_in_it_is_refused_by_name(content: str) -> None:
    assert _refused(content) == "runs.txt is empty; it must begin with a line of column names"


BAD_VALUES: dict[str, tuple[Values, str]] = {
    "no guid": ({"guid": ""}, "guid must be a text that is not empty; got ''"),
    "no agentflow": ({"agentflow_id": ""}, "agentflow_id must be a text that is not empty"),
    "no state": ({"state": ""}, "state must be one of INPROGRESS, FINISHED, ERROR, TERMINATED"),
    "no such state": ({"state": "DONE"}, "TIMEOUT, STOPPED; got 'DONE'"),
    "a state in lower case": ({"state": "finished"}, "state must be one of"),
    "no creation": ({"created_on": ""}, "created_on must be epoch milliseconds or ISO 8601"),
    "a word for an instant": ({"created_on": "yesterday"}, "created_on must be .* 'yesterday'"),
    "a fraction of a millisecond": ({"created_on": "1.5"}, "created_on must be .* '1.5'"),
    "no such day": ({"created_on": "2023-02-29"}, "created_on must be .* '2023-02-29'"),
    "a week and no day": ({"created_on": "2023-W07"}, "created_on must be .* '2023-W07'"),
    "after the last year": ({"created_on": LATEST_MS + 1}, "created_on must be .* 1 to 9999"),
    "before the first year": ({"created_on": EARLIEST_MS - 1}, "created_on must be .* 1 to 9999"),
    "far too many digits": ({"created_on": "9" * 30}, "created_on must be epoch milliseconds"),
    "a bad change": ({"updated_on": "later"}, "updated_on must be epoch .* got 'later'"),
    "id zero": ({"id": 0}, "id must be a whole number from 1 to 2.52; got '?0"),
    "an id below zero": ({"id": -1}, "id must be a whole number from 1 to 2.52; got '?-1"),
    "an id that is too large": ({"id": 2**52 + 1}, "id must be a whole number from 1 to 2.52"),
    "a fraction for an id": ({"id": 1.5}, "id must be a whole number from 1 to 2.52; got '?1.5"),
    "a word for an id": ({"id": "first"}, "id must be a whole number from 1 to 2.52; got 'first'"),
}


@every_format
@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_bad_value_is_named_by_file_line_and_reason(kind: str, case: str) -> None:
    bad, reason = BAD_VALUES[case]
    message = _refused(FORMATS[kind]([FULL, FULL, {**FULL, **bad}, FULL]))
    assert re.match(rf"runs\.txt, line {FIRST_LINE[kind] + 2}: .*{reason}", message), message


BAD_JSON_VALUES: dict[str, tuple[Values, str]] = {
    "a number for a guid": ({"guid": 5}, "guid must be a text that is not empty; got 5"),
    "a list for a flow": ({"agentflow_id": ["f"]}, "agentflow_id must be a text"),
    "a number for a name": ({"agentflow_name": 5}, "agentflow_name must be a text"),
    "an object for a session": ({"session_id": {}}, "session_id must be a text"),
    "half a surrogate pair": ({"guid": "\ud800"}, "guid is not valid UTF-8: "),
    "a number for a state": ({"state": 1}, "state must be one of .*; got 1"),
    "true for a state": ({"state": True}, "state must be one of .*; got True"),
    "a list for a state": ({"state": ["ERROR"]}, r"state must be one of .*; got \['ERROR'\]"),
    "an object for a state": ({"state": {}}, "state must be one of .*; got {}"),
    "a float for an instant": ({"created_on": 1.0}, "created_on must be .* got 1.0"),
    "no number for an instant": ({"created_on": float("nan")}, "created_on must be .* got nan"),
    "true for an instant": ({"created_on": True}, "created_on must be .* got True"),
    "a list for an instant": ({"created_on": [START]}, "created_on must be epoch milliseconds"),
    "an object for a change": ({"updated_on": {}}, "updated_on must be epoch milliseconds"),
    "true for an id": ({"id": True}, "id must be a whole number .* got True"),
    "a list for an id": ({"id": [1]}, r"id must be a whole number .* got \[1\]"),
    "null for a guid": ({"guid": None}, "guid must be a text that is not empty; got None"),
    "null for a flow": ({"agentflow_id": None}, "agentflow_id must be a text"),
    "null for a state": ({"state": None}, "state must be one of .*; got None"),
    "null for an instant": ({"created_on": None}, "created_on must be .* got None"),
}


@both_json
@pytest.mark.parametrize("case", BAD_JSON_VALUES)
def test_a_value_of_the_wrong_type_is_named_by_file_line_and_reason(kind: str, case: str) -> None:
    bad, reason = BAD_JSON_VALUES[case]
    written = {"JSON Lines": _json_lines, "JSON array": _escaped_array}[kind]
    message = _refused(written([FULL, {**FULL, **bad}, FULL]))
    assert re.match(rf"runs\.txt, line {FIRST_LINE[kind] + 1}: {reason}", message), message


def _escaped_array(rows: Iterable[Values]) -> str:
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "]"


@both_json
@pytest.mark.parametrize("column", REQUIRED)
def test_an_object_without_a_required_key_is_refused(kind: str, column: str) -> None:
    lacking = {name: value for name, value in FULL.items() if name != column}
    message = _refused(FORMATS[kind]([FULL, lacking]))
    assert message.startswith(f"runs.txt, line {FIRST_LINE[kind] + 1}: {column} must be ")


@pytest.mark.parametrize("column", REQUIRED)
def test_a_file_without_a_required_column_is_refused(column: str) -> None:
    lacking = {name: value for name, value in FULL.items() if name != column}
    message = _refused(_csv([lacking]))
    assert message == f"runs.txt, line 1: column {column} is missing; found '{', '.join(lacking)}'"


def test_a_long_value_is_shortened_in_the_message() -> None:
    message = _refused(_json_lines([{**FULL, "state": "x" * 5000}]))
    assert message.endswith("… (5,002 characters)")
    assert len(message) < 300


_LEAST_LINE = "g-1,flow-1,FINISHED,0\n"
_HEADER = "guid,agentflow_id,state,created_on\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{_HEADER}{_LEAST_LINE}g,f,ERROR\n", "line 3: it has 3 values for 4 columns"),
        (f"{_HEADER}{_LEAST_LINE}g,f,ERROR,1,2\n", "line 3: it has 5 values for 4 columns"),
        (f"guid,{_HEADER}g,{_LEAST_LINE}", "line 1: column guid appears 2 times"),
        (f"agentflowId,{_HEADER}f,{_LEAST_LINE}", "line 1: column agentflow_id appears 2 times"),
        (f'{_HEADER}{_LEAST_LINE}"g,f,ERROR,1\n\n', "line 3: unexpected end of data"),
        (f'{_HEADER}{_LEAST_LINE}"g"g,f,ERROR,1\n', "line 3: ',' expected after '\"'"),
        (f'{_HEADER}{_LEAST_LINE}g,"f\n\n",DONE,1\n', "line 3: state must be one of"),
        (f'{_HEADER}"g\n\ng",f,ERROR,0\ng,f,DONE,1\n', "line 5: state must be one of"),
        (f"{_HEADER}\n\n{_LEAST_LINE}\n\ng,f,DONE,1\n", "line 7: state must be one of"),
        (f"{_HEADER}{_LEAST_LINE}{'g' * 140_000},f,ERROR,1\n", "line 3: guid must be at most "),
        ("not a table", "line 1: column guid is missing; found 'not a table'"),
    ],
    ids=[
        "too few values",
        "too many values",
        "a column twice",
        "two spellings of a column",
        "a quote that is not closed",
        "text after a quote",
        "a bad row of many lines",
        "after a row of many lines",
        "after blank lines",
        "a value that is too long",
        "no CSV",
    ],
)
def test_a_bad_line_of_csv_is_named(content: str, message: str) -> None:
    assert _refused(content).startswith(f"runs.txt, {message}")


_OBJECT = json.dumps(FULL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{_OBJECT}\n{_OBJECT[:-1]}\n{_OBJECT}\n", "line 2: not JSON: "),
        (f"{_OBJECT}\n\n{_OBJECT} {_OBJECT}\n", "line 3: not JSON: Extra data"),
        (f"{_OBJECT}\n{_OBJECT},\n{_OBJECT}\n", "line 2: not JSON: Extra data"),
        (f"{_OBJECT}\nnot JSON\n", "line 2: not JSON: Expecting value"),
        (f"{_OBJECT}\n[]\n", "line 2: an execution must be a JSON object; got []"),
        (f"{_OBJECT}\n5\n", "line 2: an execution must be a JSON object; got 5"),
        (f"{_OBJECT}\nnull\n", "line 2: an execution must be a JSON object; got None"),
        (f"{_OBJECT}\n" + '{"a": ' + "[" * 100_000 + "\n", "line 2: not JSON: "),
        (json.dumps(FULL, indent=1), "line 1: not JSON: "),
    ],
    ids=[
        "not closed",
        "two on a line",
        "a comma after it",
        "a text",
        "an array",
        "a number",
        "null",
        "nested too deep",
        "one object on many lines",
    ],
)
def test_a_bad_line_of_json_lines_is_named(content: str, message: str) -> None:
    assert _refused(content).startswith(f"runs.txt, {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"[{_OBJECT},\n{_OBJECT}\n{_OBJECT}]", "line 3: not JSON: expected ']', found '{'"),
        (f"[{_OBJECT},\n{_OBJECT}\n", "line 3: not JSON: expected ']', found the end of the file"),
        (f"[{_OBJECT},\n{_OBJECT[:-1]}]", "line 2: not JSON: "),
        (f"[{_OBJECT},\n]", "line 2: not JSON: Expecting value"),
        (f"[\n,{_OBJECT}]", "line 2: not JSON: Expecting value"),
        (f"[{_OBJECT},\n\n", "line 3: not JSON: Expecting value"),
        ("[", "line 1: not JSON: Expecting value"),
        (f"[{_OBJECT}]\n\n[]", "line 3: there is more after the end of the array"),
        (f"[{_OBJECT},\n[]]", "line 2: an execution must be a JSON object; got []"),
        (f"[{_OBJECT},\n5]", "line 2: an execution must be a JSON object; got 5"),
        (f'[{_OBJECT},\n\n"g"]', "line 3: an execution must be a JSON object; got 'g'"),
        (f"[{_OBJECT},\n" + "[" * 100_000, "line 2: not JSON: "),
        (f'[{json.dumps(FULL, indent=1)},\n{{"guid": "g"}}]', "line 11: state must be one of"),
        (f"[{_OBJECT},\n" + json.dumps({"guid": "g"}, indent=1) + "]", "line 2: state must be"),
    ],
    ids=[
        "no comma",
        "not closed",
        "an object not closed",
        "a comma too many",
        "a comma first",
        "an end after a comma",
        "nothing after the bracket",
        "more after it",
        "an array",
        "a number",
        "a text",
        "nested too deep",
        "after an object of many lines",
        "a bad object of many lines",
    ],
)
def test_a_bad_line_of_an_array_is_named(content: str, message: str) -> None:
    assert _refused(content).startswith(f"runs.txt, {message}")


@every_format
def test_a_bad_row_far_into_the_file_is_named(kind: str) -> None:
    rows = [*[FULL] * 3000, {**FULL, "state": "DONE"}]
    line = FIRST_LINE[kind] + 3000
    assert _refused(FORMATS[kind](rows)).startswith(f"runs.txt, line {line}: state must be one of")


@both_json
def test_a_bad_row_after_much_white_space_is_named(kind: str) -> None:
    content = BLANKS + FORMATS[kind]([{**FULL, "state": "DONE"}])
    line = len(BLANKS) + FIRST_LINE[kind]
    assert _refused(content).startswith(f"runs.txt, line {line}: state must be one of")


@both_json
def test_no_line_is_named_but_that_of_the_file(kind: str) -> None:
    content = FORMATS[kind]([*[FULL] * 3000, {"broken": "here"}]).replace('"broken":', '"broken"')
    assert re.findall(r"line (\d+)", _refused(content)) == [str(FIRST_LINE[kind] + 3000)]


@every_format
@pytest.mark.parametrize("column", ["guid", "agentflow_id", "agentflow_name", "session_id"])
def test_a_text_that_is_not_utf_8_is_refused(kind: str, column: str) -> None:
    content = FORMATS[kind]([FULL, {**FULL, column: "LATIN"}]).encode()
    message = _refused(content.replace(b"LATIN", "Größe".encode("latin-1")))
    line = FIRST_LINE[kind] + 1
    assert message.startswith(f"runs.txt, line {line}: {column} is not valid UTF-8: 'Gr")


@every_format
def test_a_state_that_is_not_utf_8_is_refused(kind: str) -> None:
    content = FORMATS[kind]([{**FULL, "state": "LATIN"}]).encode().replace(b"LATIN", b"\xff")
    message = _refused(content)
    assert message.startswith(f"runs.txt, line {FIRST_LINE[kind]}: state must be one of")


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1) | (
    st.sampled_from(['"', ",", "\r", "\n", "\r\n", " ", "\ufeff"])
)
INSTANTS = st.integers(EARLIEST_MS, 0) | st.integers(FIRST_IN_DIGITS, LATEST_MS)
EXECUTIONS = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers(1, 2**52),
        "guid": TEXTS,
        "agentflow_id": TEXTS,
        "agentflow_name": st.none() | TEXTS,
        "session_id": st.none() | TEXTS,
        "state": st.sampled_from([state.value for state in ExecutionState]),
        "created_on": INSTANTS,
        "updated_on": st.none() | INSTANTS,
    }
)


def _iso(milliseconds: int) -> str:
    return format_iso(from_ms(milliseconds))


@every_format
@pytest.mark.parametrize("spell", [int, _iso], ids=["epoch", "ISO 8601"])
@settings(deadline=None)
@given(rows=st.lists(EXECUTIONS, min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(
    kind: str, spell: Callable[[int], Any], rows: list[Values]
) -> None:
    written = [
        {
            column: spell(value) if column.endswith("_on") and value is not None else value
            for column, value in row.items()
        }
        for row in rows
    ]
    # A carriage return is put in quotes when it is a part of the line's end.
    content = _csv(written, "\r\n") if kind == "CSV" else FORMATS[kind](written)
    assert _read(content) == [_row(row) for row in rows]
