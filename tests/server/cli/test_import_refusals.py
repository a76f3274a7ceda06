"""Files that can not be imported: what is wrong is named by file, line and reason."""

import json
import re
from collections.abc import Iterable

import pytest

from db.instants import EARLIEST_MS, LATEST_MS
from server.cli.import_files import REQUIRED
from tests.server.cli.written_files import (
    BLANKS,
    FIRST_LINE,
    FORMATS,
    FULL,
    START,
    Values,
    as_csv,
    as_json_lines,
    both_json,
    every_format,
    refused,
)


@pytest.mark.parametrize(
    "content",
    ["", "\n", " \t\r\n", "\ufeff", BLANKS],
    ids=["no byte", "a line end", "white space", "a byte order mark", "much white space"],
)
def test_a_file_with_nothing_in_it_is_refused_by_name(content: str) -> None:
    assert refused(content) == "runs.txt is empty; it must begin with a line of column names"


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
    "a bad end": ({"finished_on": "later"}, "finished_on must be epoch .* got 'later'"),
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
    message = refused(FORMATS[kind]([FULL, FULL, {**FULL, **bad}, FULL]))
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
    written = {"JSON Lines": as_json_lines, "JSON array": _escaped_array}[kind]
    message = refused(written([FULL, {**FULL, **bad}, FULL]))
    assert re.match(rf"runs\.txt, line {FIRST_LINE[kind] + 1}: {reason}", message), message


def _escaped_array(rows: Iterable[Values]) -> str:
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "]"


@both_json
@pytest.mark.parametrize("column", REQUIRED)
def test_an_object_without_a_required_key_is_refused(kind: str, column: str) -> None:
    lacking = {name: value for name, value in FULL.items() if name != column}
    message = refused(FORMATS[kind]([FULL, lacking]))
    assert message.startswith(f"runs.txt, line {FIRST_LINE[kind] + 1}: {column} must be ")


@pytest.mark.parametrize("column", REQUIRED)
def test_a_file_without_a_required_column_is_refused(column: str) -> None:
    lacking = {name: value for name, value in FULL.items() if name != column}
    message = refused(as_csv([lacking]))
    assert message == f"runs.txt, line 1: column {column} is missing; found '{', '.join(lacking)}'"


def test_a_long_value_is_shortened_in_the_message() -> None:
    message = refused(as_json_lines([{**FULL, "state": "x" * 5000}]))
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
    assert refused(content).startswith(f"runs.txt, {message}")


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
    assert refused(content).startswith(f"runs.txt, {message}")


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
        (f'[{json.dumps(FULL, indent=1)},\n{{"guid": "g"}}]', "line 12: state must be one of"),
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
    assert refused(content).startswith(f"runs.txt, {message}")


@every_format
def test_a_bad_row_far_into_the_file_is_named(kind: str) -> None:
    rows = [*[FULL] * 3000, {**FULL, "state": "DONE"}]
    line = FIRST_LINE[kind] + 3000
    assert refused(FORMATS[kind](rows)).startswith(f"runs.txt, line {line}: state must be one of")


@both_json
def test_a_bad_row_after_much_white_space_is_named(kind: str) -> None:
    content = BLANKS + FORMATS[kind]([{**FULL, "state": "DONE"}])
    line = len(BLANKS) + FIRST_LINE[kind]
    assert refused(content).startswith(f"runs.txt, line {line}: state must be one of")


@both_json
def test_no_line_is_named_but_that_of_the_file(kind: str) -> None:
    content = FORMATS[kind]([*[FULL] * 3000, {"broken": "here"}]).replace('"broken":', '"broken"')
    assert re.findall(r"line (\d+)", refused(content)) == [str(FIRST_LINE[kind] + 3000)]


@every_format
@pytest.mark.parametrize("column", ["guid", "agentflow_id", "agentflow_name", "session_id"])
def test_a_text_that_is_not_utf_8_is_refused(kind: str, column: str) -> None:
    content = FORMATS[kind]([FULL, {**FULL, column: "LATIN"}]).encode()
    message = refused(content.replace(b"LATIN", "Größe".encode("latin-1")))
    line = FIRST_LINE[kind] + 1
    assert message.startswith(f"runs.txt, line {line}: {column} is not valid UTF-8: 'Gr")


@every_format
def test_a_state_that_is_not_utf_8_is_refused(kind: str) -> None:
    content = FORMATS[kind]([{**FULL, "state": "LATIN"}]).encode().replace(b"LATIN", b"\xff")
    message = refused(content)
    assert message.startswith(f"runs.txt, line {FIRST_LINE[kind]}: state must be one of")
