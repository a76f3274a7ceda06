"""The data of executions is imported, as JSON or as JSON text."""

import csv
import io
import json
from typing import Any

import pytest

from db.contents.json_text import DEEPEST
from db.errors import InvalidInput
from db.writing.loading import LoadedExecution
from server.cli import import_files
from server.cli.import_files import read_executions

STEPS = [{"nodeId": "é", "status": "ERROR", "data": {"error": "no model"}}]
ROW = {"guid": "g-1", "agentflow_id": "flow-1", "state": "ERROR", "created_on": 1_700_000_000_000}


def _read(text: str) -> list[LoadedExecution]:
    return [row for row, _ in read_executions(io.BytesIO(text.encode()), "runs.txt")]


def _csv(**row: Any) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, row)
    writer.writeheader()
    writer.writerow(row)
    return file.getvalue()


@pytest.mark.parametrize("name", ["data", "executionData"])
@pytest.mark.parametrize("value", [STEPS, json.dumps(STEPS)], ids=["JSON", "text"])
def test_json_files_have_data_as_json_or_as_its_text(name: str, value: Any) -> None:
    item = {**ROW, name: value}
    for text in (json.dumps(item), json.dumps([item]), json.dumps({"total": 1, "data": [item]})):
        [row] = _read(text)
        assert json.loads(row.data or "") == STEPS
        assert row.error == "no model"


@pytest.mark.parametrize("name", ["data", "executionData"])
def test_csv_files_have_data_as_text(name: str) -> None:
    written = json.dumps(STEPS, indent=1)
    [row] = _read(_csv(**ROW, **{name: written}))
    assert (row.data, row.error) == (written, "no model")


@pytest.mark.parametrize("value", [None, ""])
def test_data_may_be_missing(value: Any) -> None:
    for text in (json.dumps({**ROW, "data": value}), _csv(**ROW, data=value)):
        [row] = _read(text)
        assert (row.data, row.error) == (None, None)


def test_a_row_may_begin_with_its_data_although_a_list_may_too() -> None:
    line = json.dumps({"data": STEPS, **ROW})
    assert [row.guid for row in _read(f"{line}\n{line}")] == ["g-1", "g-1"]
    assert [row.guid for row in _read(json.dumps({"data": [ROW], "total": 1}))] == ["g-1"]


@pytest.mark.parametrize("name", ["workspace_id", "workspaceId"])
def test_executions_keep_their_workspace(name: str) -> None:
    for text in (json.dumps({**ROW, name: "w-1"}), _csv(**ROW, **{name: "w-1"})):
        assert [row.workspace_id for row in _read(text)] == ["w-1"]


def test_what_text_can_not_hold_stays_escaped() -> None:
    [row] = _read(f'{json.dumps(ROW)[:-1]}, "data": ["\\ud800", "\\u0000", 1e2]}}')
    assert row.data == r'["\ud800", "\u0000", 100.0]'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('"[1,"', "data must be JSON; got '[1,': expected a value at character 3"),
        ('"text"', "data must be JSON; got 'text': expected a value at character 0"),
        ("[NaN]", "data must be JSON; got [nan]: expected a value at character 1"),
        ('"[\\"\\ud800\\"]"', "data is not valid UTF-8: "),
        (
            json.dumps("[" * (DEEPEST + 2)),
            "more than 1,000 lists and objects are inside each other",
        ),
    ],
)
def test_data_that_is_no_json_is_named_by_file_line_and_reason(value: str, reason: str) -> None:
    text = f'{json.dumps(ROW)}\n{json.dumps(ROW)[:-1]}, "data": {value}}}'
    with pytest.raises(InvalidInput) as refused:
        _read(text)
    assert refused.value.message.startswith("runs.txt, line 2: data ")
    assert reason in refused.value.message
    assert len(refused.value.message) < 500


def test_data_that_is_too_large_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "LONGEST_DATA", 10)
    assert _read(json.dumps({**ROW, "data": "[1,2,3,4]"}))[0].data == "[1,2,3,4]"
    with pytest.raises(InvalidInput, match="data must be at most 10 bytes long; it has 11"):
        _read(json.dumps({**ROW, "data": "[1,2,3,4,5]"}))
