"""Files that are imported: every column, in every format."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import InvalidInput
from db.instants import EARLIEST_MS, FIRST_IN_DIGITS, LATEST_MS, format_iso, from_ms
from db.models import ExecutionState
from server.cli.import_files import REQUIRED, SPELLINGS, read_executions
from tests.server.cli.written_files import (
    BLANKS,
    FORMATS,
    FULL,
    LEAST,
    START,
    Values,
    as_csv,
    both_json,
    every_format,
    read,
    refused,
    row_of,
)


@every_format
def test_every_column_is_read(kind: str) -> None:
    assert read(FORMATS[kind]([FULL])) == [row_of(FULL)]


@every_format
@pytest.mark.parametrize(
    ("column", "spelling"),
    [(column, spelling) for column, spellings in SPELLINGS.items() for spelling in spellings],
)
def test_a_column_has_the_name_of_the_table_or_of_rest(
    kind: str, column: str, spelling: str
) -> None:
    respelled = {spelling if name == column else name: value for name, value in FULL.items()}
    assert read(FORMATS[kind]([respelled])) == [row_of(FULL)]


@pytest.mark.parametrize(
    ("column", "spelling"),
    [
        ("agentflow_id", "agentflowId"),
        ("agentflow_name", "agentflowName"),
        ("session_id", "sessionId"),
        ("created_on", "createdOn"),
        ("updated_on", "updatedOn"),
        ("finished_on", "finishedOn"),
    ],
)
def test_the_spellings_of_rest_are_known(column: str, spelling: str) -> None:
    assert set(SPELLINGS[column]) == {column, spelling}


@every_format
def test_the_columns_that_may_be_missing_are_null(kind: str) -> None:
    assert read(FORMATS[kind]([LEAST])) == [row_of(LEAST)]


@every_format
@pytest.mark.parametrize("column", [column for column in SPELLINGS if column not in REQUIRED])
def test_a_column_that_may_be_missing_may_be_empty(kind: str, column: str) -> None:
    assert read(FORMATS[kind]([{**FULL, column: ""}])) == [row_of({**FULL, column: None})]


@both_json
@pytest.mark.parametrize("column", [column for column in SPELLINGS if column not in REQUIRED])
def test_a_column_that_may_be_missing_may_be_null(kind: str, column: str) -> None:
    nothing = {**FULL, column: None}
    assert read(FORMATS[kind]([nothing])) == [row_of(nothing)]


@every_format
def test_columns_may_come_in_any_order_and_among_others(kind: str) -> None:
    mixed = {"more": "[{}]", **dict(reversed(list(FULL.items()))), "_data": 1}
    assert read(FORMATS[kind]([mixed])) == [row_of(FULL)]


@every_format
def test_rows_come_in_the_order_of_the_file(kind: str) -> None:
    rows = [{**FULL, "id": number, "guid": f"g-{number}"} for number in (3, 1, 2)]
    assert read(FORMATS[kind](rows)) == [row_of(row) for row in rows]


@both_json
def test_objects_need_not_have_the_same_keys(kind: str) -> None:
    assert read(FORMATS[kind]([LEAST, FULL])) == [row_of(LEAST), row_of(FULL)]


@every_format
@pytest.mark.parametrize("state", ExecutionState)
def test_each_of_the_six_states_is_read(kind: str, state: str) -> None:
    [(execution, _)] = read(FORMATS[kind]([{**FULL, "state": str(state)}]))
    assert execution.state == state


@every_format
@pytest.mark.parametrize("column", ["created_on", "updated_on", "finished_on"])
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
    assert read(FORMATS[kind]([{**FULL, column: written}])) == [
        row_of({**FULL, column: milliseconds})
    ]


@every_format
@pytest.mark.parametrize("column", ["created_on", "updated_on", "finished_on"])
@pytest.mark.parametrize("number", [1, 2026, 20_261_120, START // 1000], ids=str)
def test_a_number_that_would_be_a_time_before_1980_is_refused(
    kind: str, column: str, number: int
) -> None:
    message = refused(FORMATS[kind]([{**FULL, column: number}]))
    assert f"{column} must be epoch milliseconds or ISO 8601" in message
    assert "taken for epoch milliseconds, it would be 1970-" in message
    assert message.endswith("a file of epoch seconds is imported with --seconds")


def _read_seconds(kind: str, written: object) -> int:
    row = {**FULL, "created_on": written, "updated_on": None, "finished_on": None}
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
    assert read(FORMATS[kind]([{**FULL, "id": "7"}])) == [row_of(FULL)]


@every_format
def test_an_id_has_up_to_53_bits(kind: str) -> None:
    largest = {**FULL, "id": 2**52}
    assert read(FORMATS[kind]([largest])) == [row_of(largest)]


@every_format
def test_a_byte_order_mark_is_no_part_of_the_file(kind: str) -> None:
    assert read("\ufeff" + FORMATS[kind]([FULL])) == [row_of(FULL)]


@every_format
def test_lines_may_end_as_on_windows(kind: str) -> None:
    assert read(FORMATS[kind]([FULL, FULL]).replace("\n", "\r\n")) == [row_of(FULL)] * 2


@every_format
def test_the_last_line_need_not_end(kind: str) -> None:
    assert read(FORMATS[kind]([FULL]).rstrip("\n")) == [row_of(FULL)]


@every_format
def test_blank_lines_count_for_nothing(kind: str) -> None:
    blank = FORMATS[kind]([FULL, FULL]).replace("\n", "\n\n\r\n")
    assert read(blank) == [row_of(FULL)] * 2


@both_json
@pytest.mark.parametrize("space", ["\n \t\r\n", BLANKS], ids=["a little", "much"])
def test_json_may_begin_with_white_space(kind: str, space: str) -> None:
    assert read(space + FORMATS[kind]([FULL])) == [row_of(FULL)]


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_an_array_may_be_laid_out_in_any_way(indent: int | None) -> None:
    assert read(json.dumps([FULL, FULL], indent=indent)) == [row_of(FULL)] * 2


def test_a_value_in_quotes_may_hold_commas_quotes_and_line_ends() -> None:
    name = 'one, "two"\r\nthree\n'
    assert read(as_csv([{**FULL, "agentflow_name": name}])) == [
        row_of({**FULL, "agentflow_name": name})
    ]


def test_spaces_around_the_names_of_columns_count_for_nothing() -> None:
    header, rest = as_csv([FULL]).split("\n", 1)
    assert read(header.replace(",", " , ") + "\n" + rest) == [row_of(FULL)]


@every_format
def test_a_file_may_be_longer_than_what_is_read_of_it_at_once(kind: str) -> None:
    rows = [{**FULL, "guid": f"g-{number}-é日本𝄞"} for number in range(3000)]
    assert read(FORMATS[kind](rows)) == [row_of(row) for row in rows]


@every_format
def test_a_value_may_be_longer_than_what_is_read_of_the_file_at_once(kind: str) -> None:
    long = [{"more": "日" * 100_000, **values} for values in (FULL, {**FULL, "guid": "g-2"})]
    assert read(FORMATS[kind](long)) == [row_of(values) for values in long]


@pytest.mark.parametrize("content", ["[]", " [\n]\n", "\ufeff[ ]"], ids=repr)
def test_an_empty_array_has_no_executions(content: str) -> None:
    assert read(content) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_a_line_of_column_names_alone_has_no_executions(end: str) -> None:
    assert read(",".join(REQUIRED) + end) == []


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
        "finished_on": st.none() | INSTANTS,
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
    content = as_csv(written, "\r\n") if kind == "CSV" else FORMATS[kind](written)
    assert read(content) == [row_of(row) for row in rows]
