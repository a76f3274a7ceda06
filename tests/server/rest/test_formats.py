"""The list as CSV and JSON Lines, which clients choose with ``Accept``."""

import csv
import io
import json
from typing import Any

import httpx
import pytest

from db.source import ExecutionRow
from server.cli.import_files import read_executions
from server.rest.files import COLUMNS
from tests.gateway import Gateway
from tests.reference import ordered
from tests.sample import SAMPLE, START
from tests.server.rest.documented import DOCUMENT
from tests.server.rest.requests import as_json

JSON, CSV, JSON_LINES = "application/json", "text/csv", "application/x-ndjson"
CONTENT_TYPES = {JSON: JSON, CSV: "text/csv; charset=utf-8", JSON_LINES: JSON_LINES}
HEADER = ",".join(COLUMNS)
_FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO executions (guid, agentflow_id, state, created_on)
SELECT 'guid-' || n, 'flow-' || (n % 10), 'FINISHED', CAST(? AS bigint) + n FROM numbers
"""

every_format = pytest.mark.parametrize("media_type", CONTENT_TYPES)
both_files = pytest.mark.parametrize("media_type", [CSV, JSON_LINES])


def _get(gateway: Gateway, query: str, accept: str) -> httpx.Response:
    answer = gateway.http.get(f"/executions{query}", headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def _cells_of(rows: list[ExecutionRow]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in COLUMNS} for row in rows]


def _rows(answer: httpx.Response) -> list[dict[str, Any]]:
    """The executions of an answer in any format; all values of CSV are texts."""
    match answer.headers["content-type"]:
        case "application/json":
            return list(answer.json())
        case "application/x-ndjson":
            return [json.loads(line) for line in answer.text.split("\n")[:-1]]
        case "text/csv; charset=utf-8":
            return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    raise AssertionError(answer.headers["content-type"])


def _guids(answer: httpx.Response) -> list[str]:
    return [row["guid"] for row in _rows(answer)]


# Which format


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv; header=present; charset=utf-8", CSV),
        ("text/*", CSV),
        ("text/csv, */*;q=0.1", CSV),
        ("application/json;q=0.5, text/csv", CSV),
        ("text/csv;q=0.5, application/x-ndjson;q=0.4", CSV),
        ("application/x-ndjson", JSON_LINES),
        ("application/x-ndjson, text/csv;q=0.9", JSON_LINES),
        ("application/json;q=0, application/*", JSON_LINES),
        ("*/*", JSON),
        ("", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv, */*", CSV),
        ("text/csv;q=0.9, */*", JSON),
        ("text/csv;q=0", JSON),
        ("text/csv;q=high", JSON),
        ("application/xml", JSON),
        ("text/html", JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", JSON),
        ("nonsense", JSON),
    ],
)
@pytest.mark.parametrize("query", ["", "?page=1"])
def test_the_client_chooses_the_format_and_json_is_the_default(
    sample_gateway: Gateway, query: str, accept: str, media_type: str
) -> None:
    answer = _get(sample_gateway, query, accept)
    assert answer.headers["content-type"] == CONTENT_TYPES[media_type]
    assert _rows(answer)


def test_without_a_preference_the_list_is_json(sample_gateway: Gateway) -> None:
    request = sample_gateway.http.build_request("GET", "/executions")
    del request.headers["accept"]
    assert sample_gateway.http.send(request).headers["content-type"] == JSON


@every_format
@pytest.mark.parametrize("query", ["", "?page=1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_caches_are_told_that_the_format_varies_and_browsers_what_to_save(
    sample_gateway: Gateway, method: str, query: str, media_type: str
) -> None:
    headers = {"accept": media_type}
    answer = sample_gateway.http.request(method, f"/executions{query}", headers=headers)
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["content-type"] == CONTENT_TYPES[media_type]
    disposition = 'attachment; filename="executions.csv"' if media_type == CSV else None
    assert answer.headers.get("content-disposition") == disposition


@both_files
def test_an_error_is_json_in_whatever_format_the_list_would_be(
    sample_gateway: Gateway, media_type: str
) -> None:
    answer = sample_gateway.http.get("/executions?page=0", headers={"accept": media_type})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == JSON
    assert answer.json()["code"] == "BAD_USER_INPUT"


@both_files
def test_one_execution_is_always_json(sample_gateway: Gateway, media_type: str) -> None:
    headers = {"accept": media_type}
    assert sample_gateway.http.get("/executions/guid-07", headers=headers).json()


# What is in it


@pytest.mark.parametrize("query", ["", "?limit=100"])
def test_csv_has_a_line_of_names_and_the_columns_of_an_export(
    sample_gateway: Gateway, query: str
) -> None:
    answer = _get(sample_gateway, query, CSV)
    assert answer.text.startswith(f"{HEADER}\r\n")
    expected = [
        {name: "" if value is None else str(value) for name, value in cells.items()}
        for cells in _cells_of(ordered(SAMPLE))
    ]
    assert _rows(answer) == expected


@pytest.mark.parametrize("query", ["", "?limit=100"])
def test_json_lines_have_the_keys_of_an_export(sample_gateway: Gateway, query: str) -> None:
    rows = _rows(_get(sample_gateway, query, JSON_LINES))
    assert rows == _cells_of(ordered(SAMPLE))


@both_files
def test_what_is_read_over_rest_is_imported(sample_gateway: Gateway, media_type: str) -> None:
    content = _get(sample_gateway, "", media_type).content
    imported = [
        (row.guid, row.updated_on, name) for row, name in read_executions(io.BytesIO(content), "-")
    ]
    assert imported == [(row.guid, row.updated_on, row.agentflow_name) for row in ordered(SAMPLE)]


def test_csv_runs_no_formula(gateway: Gateway) -> None:
    gateway.insert([SAMPLE[1]._replace(guid='=cmd|"/c calc"!A1', agentflow_name="@SUM(A1)")])
    for query in ("", "?page=1"):
        [row] = _rows(_get(gateway, query, CSV))
        assert (row["guid"], row["agentflow_name"]) == ('\'=cmd|"/c calc"!A1', "'@SUM(A1)")


@pytest.mark.parametrize(("media_type", "content"), [(CSV, f"{HEADER}\r\n"), (JSON_LINES, "")])
@pytest.mark.parametrize("query", ["?guid=nobody", "?guid=nobody&page=1", "?page=9"])
def test_no_execution_is_no_line(
    sample_gateway: Gateway, query: str, media_type: str, content: str
) -> None:
    assert _get(sample_gateway, query, media_type).text == content


@both_files
@pytest.mark.parametrize(
    "filter_",
    [
        "state=ERROR,TIMEOUT",
        "agentflowName=support",
        "sessionId=session-1&agentflowId=flow-b",
        "startDate=2023-11-14T22:13:22Z&endDate=2023-11-14T22:13:25Z",
        "guid=guid-07",
    ],
)
def test_the_filters_are_those_of_json(
    sample_gateway: Gateway, filter_: str, media_type: str
) -> None:
    in_json = _guids(_get(sample_gateway, f"?{filter_}", JSON))
    assert 0 < len(in_json) < len(SAMPLE)
    assert _guids(_get(sample_gateway, f"?{filter_}", media_type)) == in_json


@both_files
def test_a_page_has_the_rows_and_the_headers_of_one_in_json(
    sample_gateway: Gateway, media_type: str
) -> None:
    for page in (1, 2, 3, 4):
        query = f"?state=ERROR,FINISHED,TIMEOUT&page={page}&limit=5"
        in_json, answer = (_get(sample_gateway, query, each) for each in (JSON, media_type))
        assert _guids(answer) == _guids(in_json)
        for name in ("x-total-count", "link"):
            assert answer.headers[name] == in_json.headers[name]


def test_json_is_what_it_was(sample_gateway: Gateway) -> None:
    expected = [as_json(row) for row in ordered(SAMPLE)]
    assert _get(sample_gateway, "", JSON).json() == expected
    assert _get(sample_gateway, "?limit=100", JSON).json() == expected


@both_files
@pytest.mark.parametrize("count", [1, 1000, 1001, 2500])
def test_a_list_of_several_batches_is_complete(
    gateway: Gateway, count: int, media_type: str
) -> None:
    gateway.sql(_FILL, count, START)
    answer = _get(gateway, "", media_type)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert _guids(answer) == [f"guid-{number}" for number in range(count, 0, -1)]


@both_files
def test_a_list_that_can_not_be_finished_is_cut_off_and_not_closed(
    gateway: Gateway, media_type: str
) -> None:
    gateway.sql(_FILL, 50_000, START)
    with gateway.http.stream("GET", "/executions", headers={"accept": media_type}) as answer:
        pieces = answer.iter_raw()
        assert b'"guid-50000"' in next(pieces)
        gateway.sql("DROP TABLE executions")
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    assert gateway.http.get("/healthz").status_code == 200


# The description


def test_the_description_lists_the_formats() -> None:
    answer = DOCUMENT["paths"]["/executions"]["get"]["responses"]["200"]
    assert list(answer["content"]) == list(CONTENT_TYPES)
    for media_type in (CSV, JSON_LINES):
        schema = answer["content"][media_type]["schema"]
        assert schema["type"] == "string"
        assert HEADER.replace(",", ", ") in schema["description"]
