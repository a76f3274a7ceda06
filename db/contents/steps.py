"""The steps of an execution, read from the JSON text that its engine left.

The text is as Flowise writes it: a list of steps, each an object with ``nodeId``, ``nodeLabel``,
``status``, ``previousNodeIds`` and ``data``, which has the step's ``id``, ``name``, ``input``,
``output`` and ``error``. What is missing, or is of another form, is None.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.contents.json_text import JsonReader, NotJson, Value
from db.instants import EARLIEST_MS, LATEST_MS

LONGEST_ERROR = 500
"""How many characters of an error are kept: an entry of an index has no room for many more."""
FAILED = "ERROR"
"""The status of a step that failed."""
MARK = f'{FAILED}"'
"""What is in every text in which a step failed, so that others need not be read."""

_LARGEST, _LARGEST_INT = 2**53, 2**31 - 1
_NO_CHARACTER = "\ufffd"
# Not every database can keep these in a text.
_UNKEPT = dict.fromkeys((0, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), _NO_CHARACTER)


@dataclass(frozen=True, slots=True)
class Step:
    """What one node did.

    Times are epoch milliseconds. ``input`` and ``output`` are JSON text, as the engine wrote it.
    """

    node_id: str
    label: str
    name: str | None = None
    status: str | None = None
    started_on: int | None = None
    finished_on: int | None = None
    duration_ms: int | None = None
    error: str | None = None
    input: str | None = None
    output: str | None = None
    previous: tuple[str, ...] = ()
    parent: str | None = None
    iteration: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None


def error_in(text: str) -> str | None:
    """Return why an execution failed, from the text of its steps; see ``error_of``.

    A text that is no JSON says nothing. ``error_sql`` has the same in SQL.
    """
    if MARK not in text:
        return None
    try:
        return error_of(read_steps(text))
    except NotJson:
        return None


def error_of(steps: Sequence[Step]) -> str | None:
    """Return the error of the first step that failed and has one, cut to ``LONGEST_ERROR``.

    U+0000, lone surrogates, U+FFFE and U+FFFF are replaced: not every database can keep them.
    """
    for step in steps:
        if step.status == FAILED and step.error:
            return step.error[:LONGEST_ERROR].translate(_UNKEPT)
    return None


def read_steps(text: str) -> list[Step]:
    """Return the steps of a text: the objects in its list.

    A text that is JSON but no list has no steps. Raises NotJson.
    """
    reader = JsonReader(text)
    if not reader.begins("["):
        reader.value()
        reader.finish()
        return []
    steps = list(_read_list(reader, text))
    reader.finish()
    return steps


def _read_list(reader: JsonReader, text: str) -> Iterator[Step]:
    goes_on = reader.enter("[", "]")
    while goes_on:
        if reader.begins("{"):
            yield _read_step(reader, text)
        else:
            reader.value()
        goes_on = reader.goes_on("]")


def _read_step(reader: JsonReader, text: str) -> Step:
    step: dict[str, Any] = {}
    data: dict[str, Value] = {}
    goes_on = reader.enter("{", "}")
    while goes_on:
        name = reader.name()
        if name == "data":
            data = _read_members(reader) if reader.begins("{") else _read_no_members(reader)
        else:
            step[name] = reader.value().parsed
        goes_on = reader.goes_on("}")
    return _step(step, data, text)


def _read_members(reader: JsonReader) -> dict[str, Value]:
    members: dict[str, Value] = {}
    goes_on = reader.enter("{", "}")
    while goes_on:
        name = reader.name()
        members[name] = reader.value()
        goes_on = reader.goes_on("}")
    return members


def _read_no_members(reader: JsonReader) -> dict[str, Value]:
    reader.value()
    return {}


def _step(step: dict[str, Any], written: dict[str, Value], text: str) -> Step:
    data = {name: value.parsed for name, value in written.items()}
    node_id = _text(step.get("nodeId")) or _text(data.get("id")) or ""
    name = _text(data.get("name"))
    output = _object(data.get("output"))
    times, usage = _object(output.get("timeMetadata")), _object(output.get("usageMetadata"))
    started_on, finished_on = _instant(times.get("start")), _instant(times.get("end"))
    duration = _whole(times.get("delta"), _LARGEST)
    if duration is None and started_on is not None and finished_on is not None:
        duration = max(finished_on - started_on, 0)
    previous = step.get("previousNodeIds")
    return Step(
        node_id,
        _text(step.get("nodeLabel")) or name or node_id,
        name,
        _text(step.get("status")),
        started_on,
        finished_on,
        duration,
        _message(data.get("error")) or _message(output.get("error")),
        _part(written.get("input"), text),
        _part(written.get("output"), text),
        tuple(each for each in previous if isinstance(each, str))
        if isinstance(previous, list)
        else (),
        _text(data.get("parentNodeId")),
        _whole(data.get("iterationIndex"), _LARGEST_INT),
        _whole(usage.get("input_tokens"), _LARGEST_INT),
        _whole(usage.get("output_tokens"), _LARGEST_INT),
        _whole(usage.get("total_tokens"), _LARGEST_INT),
        _cost(usage.get("total_cost")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _message(error: Any) -> str | None:
    """Return an error that is a text, or an object with a message; None if it is empty."""
    message = error.get("message") if isinstance(error, dict) else error
    return _text(message) or None


def _part(value: Value | None, text: str) -> str | None:
    return None if value is None or value.parsed is None else text[value.start : value.end]


def _whole(value: Any, largest: int) -> int | None:
    is_whole = isinstance(value, float) and 0 <= value <= largest and value.is_integer()
    return int(value) if is_whole else None


def _instant(value: Any) -> int | None:
    is_instant = isinstance(value, float) and EARLIEST_MS <= value <= LATEST_MS
    return int(value) if is_instant else None


def _cost(value: Any) -> float | None:
    return value if isinstance(value, float) and 0 <= value < math.inf else None
