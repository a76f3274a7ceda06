"""The error of an execution is the same in Python and in the SQL of both databases."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.contents.error_sql import create_postgres_function, postgres_error_of, sqlite_error_of
from db.contents.steps import MOST_READ, error_in
from db.models import LONGEST_ERROR
from tests.examples import examples
from tests.places import Place, PostgresPlace

ErrorOf = Callable[[str], str | None]


@pytest.fixture(scope="module")
def error_of(new_place: Callable[[], Place]) -> ErrorOf:
    """The error that the database's SQL finds in a text."""
    place = new_place()
    if isinstance(place, PostgresPlace):
        place.server.run(place.name, create_postgres_function(), [()])
        expression = postgres_error_of("data")
    else:
        expression = sqlite_error_of("data")

    def error_of(text: str) -> str | None:
        [(error,)] = place.run(
            f"SELECT {expression} FROM (SELECT CAST(? AS text) AS data) AS given", [(text,)]
        )
        assert error is None or isinstance(error, str)
        return error

    return error_of


def failed(**data: Any) -> str:
    return json.dumps([{"nodeId": "a", "status": "ERROR", "data": data}])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (failed(error="a"), "a"),
        (failed(error={"name": "Error", "message": "a"}), "a"),
        (failed(output={"error": "a"}), "a"),
        (failed(output={"error": {"message": "a"}}), "a"),
        (failed(error="a", output={"error": "b"}), "a"),
        (failed(error="", output={"error": "b"}), "b"),
        (failed(error={}, output={"error": "b"}), "b"),
        (failed(error=["a"]), None),
        (failed(error=1), None),
        (failed(), None),
        ('[{"status": "ERROR"}]', None),
        ('[{"status": "ERROR", "data": "a"}]', None),
        ('[null, 1, "ERROR", [], {"status": "ERROR", "data": {"error": "a"}}]', "a"),
        ('[{"status": "ERROR"}, {"status": "ERROR", "data": {"error": "a"}}]', "a"),
        ('[{"status": "TERMINATED", "data": {"error": "a"}}, "ERROR"]', None),
        ('[{"status": "ERROR", "data": {"error": "a"}}', None),
        ('[{"status": "ERROR", "data": {"error": "a"}}] x', None),
        ('[{"status": "ERROR", "data": {"error": "a", "b": NaN}}]', None),
        ('{"status": "ERROR", "data": {"error": "a"}}', None),
        ('"ERROR"', None),
        ("", None),
        # Of members with the same name the last one counts.
        ('[{"status": "ERROR", "status": "FINISHED", "data": {"error": "a"}}]', None),
        ('[{"status": "ERROR", "data": {"error": "a", "error": "b"}}]', "b"),
        ('[{"status": "ERROR", "data": {"error": "a"}, "data": 1}]', None),
        (r'[{"status": "ERROR", "d\u0061ta": {"error": "a"}}]', "a"),
        (r'[{"status": "\u0045RROR", "data": {"error": "a"}}]', None),
        # What not every database can keep.
        (r'[{"status": "ERROR", "data": {"error": "a\u0000b\\u0000"}}]', "a�b\\u0000"),
        (r'[{"status": "ERROR", "data": {"error": "\ud800a\udc00\ud83d\ude00"}}]', "�a�\U0001f600"),
        (r'[{"status": "ERROR", "data": {"error": "\ud83d\ud83d\ude00"}}]', "�\U0001f600"),
        (r'[{"status": "ERROR", "data": {"error": "\uffff\ufffe"}}]', "��"),
        (r'[{"status": "ERROR", "data": {"error": "a", "output": "\u0000 \ud800"}}]', "a"),
        (failed(error="é\U0001f600" * LONGEST_ERROR), "é\U0001f600" * (LONGEST_ERROR // 2)),
    ],
)
def test_the_error_is_that_of_the_first_step_that_failed_and_says_why(
    error_of: ErrorOf, text: str, expected: str | None
) -> None:
    assert error_of(text) == error_in(text) == expected


_FILLED = json.dumps({"nodeId": "a", "status": "FINISHED", "data": {"input": "é" * MOST_READ}})
_LAST = '{"nodeId":"b","data":{"error":"b"},"status":"ERROR"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[{_FILLED},{_LAST}]", "b"),
        (f"[{_FILLED}, {_LAST}]", "b"),
        # Only what is at the end is read, whatever is before it.
        (f"{failed(error='a')[:-1]},{_FILLED},{_LAST}]", "b"),
        (f"{failed(error='a')[:-1]},{_FILLED}]", None),
        (f"no JSON {_FILLED},{_LAST}]", "b"),
        (f"[{_FILLED},{_LAST}] x", None),
        (f"[{_FILLED}\n,{_LAST}]", None),
        ("[" + '{"nodeId":"a"},' * 100_000 + _LAST + "]", "b"),
        ("[" + _LAST + "," + '{"nodeId":"a"},' * 100_000 + _LAST[:-1] + "]", None),
        (failed(error="a" * MOST_READ), None),
        (f"[{_LAST},{_LAST}]".ljust(MOST_READ), "b"),
    ],
)
def test_of_a_long_text_the_last_steps_are_read(
    error_of: ErrorOf, text: str, expected: str | None
) -> None:
    assert error_of(text) == error_in(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        failed(error="a")[:-1] + ", " + "[" * 100_000 + "]" * 100_000 + "]",
        failed(error="a")[:-1] + ", " + "9" * 100_000 + "]",
        failed(error="a")[:-1] + ", 1e999999]",
        failed(error="a" * 200_000)[:-1] + r', "\u00zz"]',
        "[" + '{"status": "ERROR"},' * 10_000 + "{}]",
    ],
    ids=["deep", "digits", "exponent", "no escape", "many"],
)
def test_no_text_makes_the_sql_fail(error_of: ErrorOf, text: str) -> None:
    # Which of these are too much for a database is its own affair.
    assert error_of(text) in {"a", None}


texts = st.sampled_from(
    ["", "a", "ERROR", 'b"\\', "\\u0000", "é\U0001f600", "\ud800", "\udc00", "\0", "\n", "\uffff"]
) | st.text(st.characters(exclude_categories=()), max_size=5)
names = st.sampled_from(
    ["status", "data", "error", "output", "message", "nodeId", "previousNodeIds", "x"]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
messages = texts | st.fixed_dictionaries({"message": texts | values}) | values
steps = st.fixed_dictionaries(
    {"nodeId": texts},
    optional={
        "status": st.sampled_from(["ERROR", "FINISHED"]) | values,
        "data": st.fixed_dictionaries(
            {}, optional={"error": messages, "output": st.fixed_dictionaries({"error": messages})}
        )
        | values,
        "previousNodeIds": values,
    },
)
contents = st.lists(steps | values, max_size=5) | values


@st.composite
def written(draw: st.DrawFn) -> str:
    """JSON as programs write it, now and then broken."""
    separators = draw(st.sampled_from([(",", ":"), (", ", " : "), ("\n,", "\t:\r ")]))
    text = json.dumps(
        draw(contents), ensure_ascii=draw(st.booleans()), separators=separators, allow_nan=False
    )
    text = text.encode(errors="replace").decode()
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(text)))
        replaced = draw(
            st.sampled_from(["", '"', "\\", "\\u", "}", "]", ",", "\x01", "ERROR", "�"])
        )
        text = text[:place] + replaced + text[place + draw(st.integers(0, 2)) :]
    return text


@given(text=written())
@example(text='[{"status":"ERROR","data":{"error":"\\ud800"}}]')
@settings(
    max_examples=examples(500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_python_and_sql_find_the_same_error(error_of: ErrorOf, text: str) -> None:
    assert error_of(text) == error_in(text)
