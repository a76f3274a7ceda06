"""Steps are read from whatever an engine recorded."""

import contextlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.contents.json_text import DEEPEST, JsonReader, NotJson, TooManyParts
from db.contents.steps import Efforts, NoSteps, Step, read_steps
from tests.examples import examples

LLM = {
    "nodeId": "llmAgentflow_0",
    "nodeLabel": "Answer",
    "data": {
        "id": "llmAgentflow_0",
        "name": "llmAgentflow",
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "output": {
            "content": "Hello",
            "timeMetadata": {"start": 1700000000000, "end": 1700000001500, "delta": 1500},
            "usageMetadata": {
                "input_tokens": 12,
                "output_tokens": 3,
                "total_tokens": 15,
                "total_cost": 0.00045,
            },
        },
        "state": {},
        "parentNodeId": "iterationAgentflow_0",
        "iterationIndex": 2,
    },
    "previousNodeIds": ["startAgentflow_0"],
    "status": "FINISHED",
}


def test_a_step_has_what_flowise_writes_of_it() -> None:
    data: Any = LLM["data"]
    assert read_steps(json.dumps([LLM])) == [
        Step(
            node_id="llmAgentflow_0",
            label="Answer",
            name="llmAgentflow",
            status="FINISHED",
            started_on=1_700_000_000_000,
            finished_on=1_700_000_001_500,
            duration_ms=1500,
            error=None,
            input=json.dumps(data["input"]),
            output=json.dumps(data["output"]),
            previous=("startAgentflow_0",),
            parent="iterationAgentflow_0",
            iteration=2,
            input_tokens=12,
            output_tokens=3,
            total_tokens=15,
            cost=0.00045,
        )
    ]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({}, Step("", "")),
        ({"nodeId": 1, "nodeLabel": [], "status": None, "data": "text"}, Step("", "")),
        ({"data": {"id": "a", "name": "b"}}, Step("a", "b", "b")),
        ({"nodeId": "a"}, Step("a", "a")),
        ({"data": {"input": None, "output": "text"}}, Step("", "", output='"text"')),
        ({"data": {"error": "a"}}, Step("", "", error="a")),
        ({"data": {"error": {"name": "Error", "message": "a"}}}, Step("", "", error="a")),
        ({"data": {"error": {}, "iterationIndex": -1}}, Step("", "")),
        ({"data": {"iterationIndex": 2**31}}, Step("", "")),
        ({"data": {"iterationIndex": 1.5}}, Step("", "")),
        ({"previousNodeIds": ["a", 1, None, "a", "b"]}, Step("", "", previous=("a", "a", "b"))),
        ({"previousNodeIds": "a"}, Step("", "")),
    ],
)
def test_what_is_missing_or_strange_is_none(step: Any, expected: Step) -> None:
    assert read_steps(json.dumps([step])) == [expected]


def test_a_step_that_only_says_when_it_began_and_ended_took_the_time_in_between() -> None:
    times = {"start": 1_700_000_000_000, "end": 1_700_000_000_250}
    [step] = read_steps(json.dumps([{"data": {"output": {"timeMetadata": times}}}]))
    assert step.duration_ms == 250


@pytest.mark.parametrize("time", [1e15, -1e15, "2023-11-14T22:13:20Z", None, True, [1]])
def test_a_time_that_is_none_is_null(time: Any) -> None:
    output = {"timeMetadata": {"start": time, "end": time, "delta": time}}
    [step] = read_steps(json.dumps([{"data": {"output": output}}]))
    assert (step.started_on, step.finished_on) == (None, None)


def test_what_is_no_step_is_passed_over() -> None:
    text = '[null, 1, "a", [{"nodeId": "a"}], true, {"nodeId": "b"}]'
    assert [step.node_id for step in read_steps(text)] == ["b"]


def test_input_and_output_are_passed_on_as_they_are_written() -> None:
    written = r'{"a": 1.000000000000000000001, "a": [1e999, "\ud800"], "b": ' + "9" * 100_000 + "}"
    text = f'[{{"data": {{"input": {written}, "output": [ 1,\n2 ]}}}}]'
    [step] = read_steps(text)
    assert (step.input, step.output) == (written, "[ 1,\n2 ]")


@pytest.mark.parametrize("text", ["null", '"[]"', "{}", "1", '{"steps": []}'])
def test_json_that_is_no_list_has_no_steps(text: str) -> None:
    with pytest.raises(NoSteps, match="it is no list"):
        read_steps(text)


def test_too_many_steps_are_none() -> None:
    text = json.dumps([{}, 1, {}, {}])
    assert len(read_steps(text, 3)) == 3
    with pytest.raises(NoSteps, match="it has more than 2 steps"):
        read_steps(text, 2)


@pytest.mark.parametrize(
    "text",
    [
        "[{}, 1, [{}],".ljust(1_000) + "{}," * 3_000_000 + "{}]",
        "[" + "[[1]]," * 1_000_000 + "[]]",
        "[{" + '"a":{},' * 1_000_000 + '"b":[]}]',
        '[{"previousNodeIds":[' + '"a",' * 2_000_000 + '"b"]}]',
    ],
    ids=["steps", "lists", "members", "previous"],
)
def test_what_is_not_shown_of_a_long_text_is_skipped_in_large_pieces(text: str) -> None:
    efforts = Efforts()
    efforts.reading.left = 10_000
    with contextlib.suppress(NoSteps):
        read_steps(text, 100, efforts)
    assert efforts.reading.left > 0
    assert efforts.checking.left == efforts.checking.most


def test_a_text_that_takes_too_long_has_no_steps() -> None:
    efforts = Efforts()
    efforts.reading.left = 100
    text = json.dumps([LLM] * 10)
    with pytest.raises(NoSteps, match="at most 500,000 parts"):
        read_steps(text, 10, efforts)
    # Those who share it have no more of it, and others have.
    with pytest.raises(NoSteps):
        read_steps(text, 10, efforts)
    assert len(read_steps(text, 10)) == 10


def test_a_text_that_takes_too_long_to_check_is_not_read() -> None:
    deep = "[" * 500 + "]" * 500
    text = f"[{','.join([deep] * 2_000)}]"
    with pytest.raises(TooManyParts, match="at most 300,000 parts"):
        read_steps(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a value at character 0"),
        ("[{}", "expected ']' at character 3"),
        ("[{}] x", "expected the end of the text at character 5"),
        ('[{"a" 1}]', "expected the name of a member and a colon at character 2"),
        ('[{"a": NaN}]', "expected a value at character 7"),
        ('["a\nb"]', "expected a value at character 1"),
        ("[01]", "expected ']' at character 2"),
        ("[" * 100_000, "more than 1,000 lists and objects are inside each other"),
        ("[1,]", "expected a value at character 3"),
        ("\ufeff[]", "expected a value at character 0"),
    ],
)
def test_a_text_that_is_no_json_says_where(text: str, reason: str) -> None:
    with pytest.raises(NotJson, match=f"^{reason.replace('[', '.')}$".replace("]", ".")):
        read_steps(text)


def test_lists_may_be_nested_deeply_whatever_the_stack_holds() -> None:
    def read(depth: int) -> int:
        return read(depth - 1) if depth else len(read_steps(text))

    text = "[" * DEEPEST + "]" * DEEPEST
    assert read(sys.getrecursionlimit() - 200) == 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
broken = st.sampled_from([*'"\\[]{},:01-.eE \n\x00\x1fut', "\\u12", "null", "NaN", "\u2028"])


def _is_json(text: str) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(values, st.sampled_from([None, 1]), st.integers(0, 200), broken, st.integers(0, 2))
@settings(max_examples=examples(1_000), deadline=None)
def test_a_text_is_json_if_pythons_own_reader_says_so(
    value: Any, indent: int | None, at: int, put: str, replaced: int
) -> None:
    text = json.dumps(value, ensure_ascii=replaced == 0, indent=indent)
    for each in (text, text[:at] + put + text[at + replaced :], text[:at]):
        reader = JsonReader(each)
        try:
            start, end = reader.skip()
            reader.finish()
        except NotJson:
            assert not _is_json(each)
        else:
            assert _is_json(each)
            assert json.loads(each[start:end]) == json.loads(each)
