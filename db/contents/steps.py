"""The steps of an execution, read from the JSON text that its engine recorded.

The text is as Flowise writes it: a list of steps, each an object with ``nodeId``, ``nodeLabel``,
``status``, ``previousNodeIds`` and ``data``, which has the step's ``id``, ``name``, ``input``,
``output`` and ``error``. What is missing, or is of another form, is None.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from db.contents.json_text import (
    Effort,
    JsonReader,
    NotJson,
    TooManyParts,
    members_besides,
)
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LONGEST_ERROR

FAILED = "ERROR"
"""The status of a step that failed."""
MARK = f'{FAILED}"'
"""Every text in which a step failed contains this, so others need not be parsed."""
MOST_READ = 250_000
"""In characters. Of a longer text, an error is looked for in as many at its end: a step that fails
is usually the last one, and while a text is read, its write holds locks that others wait for."""
STEP_STARTS = ('},{"nodeId":', '}, {"nodeId":')
"""What is between two steps, in JSON without blanks and with them; the first one found is used."""

_LARGEST, _LARGEST_INT = 2**53, 2**31 - 1
_MOST_PREVIOUS = 1_000
_NO_CHARACTER = "\ufffd"
# Not every database can keep these in a text.
_UNKEPT = dict.fromkeys((0, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), _NO_CHARACTER)


class NoSteps(Exception):
    """A text is JSON, but its steps can't be read. The message says why."""


class Efforts:
    """How much work the texts of a response may take: about a second to read steps, one to check.

    A text whose steps take too long to read is still checked, so that its data can be shown.
    """

    __slots__ = ("checking", "reading")

    def __init__(self) -> None:
        self.reading = Effort(500_000)
        self.checking = Effort(300_000)


class Step(NamedTuple):
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

    The error of a text that is not JSON is None. Of a text with more than ``MOST_READ`` characters,
    only the last steps are read. ``error_sql`` has the same in SQL.
    """
    if MARK not in text or "\0" in text:
        return None
    try:
        return error_of(read_steps(_last_steps(text)))
    except (NotJson, NoSteps, TooManyParts):
        return None


def _last_steps(text: str) -> str:
    """Return a text, or if it is long, a list of the whole steps at its end."""
    if len(text) <= MOST_READ:
        return text
    end = text[-MOST_READ:]
    starts = (at for at in map(end.find, STEP_STARTS) if at >= 0)
    at = next(starts, None)
    return "" if at is None else "[" + end[at + 2 :]


def error_of(steps: Sequence[Step]) -> str | None:
    """Return the error of the first step that failed and has one, cut to ``LONGEST_ERROR``.

    U+0000, lone surrogates, U+FFFE and U+FFFF are replaced: not every database can keep them.
    """
    for step in steps:
        if step.status == FAILED and step.error:
            return step.error[:LONGEST_ERROR].translate(_UNKEPT)
    return None


def read_steps(text: str, most: int | None = None, efforts: Efforts | None = None) -> list[Step]:
    """Return the steps of a text: the objects in its list.

    Raises NotJson; NoSteps if it is no list, has more than ``most`` steps, or these take more than
    what is left of ``efforts``; and TooManyParts if so much that it may be no JSON.
    """
    efforts = efforts or Efforts()
    reader = JsonReader(text, efforts.reading)
    if not reader.begins("["):
        check_steps(text, efforts)
    try:
        steps = _read_list(reader, most)
    except TooManyParts as error:
        check_steps(text, efforts)
        raise NoSteps(str(error)) from None
    if most is not None and len(steps) > most:
        raise NoSteps(f"it has more than {most:,} steps")
    return steps


def check_steps(text: str, efforts: Efforts) -> None:
    """Raise NotJson, NoSteps if a text is no list, or TooManyParts as ``read_steps`` does."""
    reader = JsonReader(text, efforts.checking)
    is_list = reader.begins("[")
    reader.skip()
    reader.finish()
    if not is_list:
        raise NoSteps("it is no list")


def _read_list(reader: JsonReader, most: int | None) -> list[Step]:
    """Read the steps of a whole text: one more than ``most`` if there are more."""
    steps: list[Step] = []
    goes_on = reader.enter("[")
    while goes_on:
        reader.skip_no_objects()
        if not reader.begins("{"):
            reader.skip()
        elif most is None or len(steps) <= most:
            steps.append(_read_step(reader))
        else:
            reader.skip_elements()
            reader.skip()
        goes_on = reader.goes_on("[")
    reader.finish()
    return steps


_Read = Callable[[JsonReader], Any]
_NOTHING: tuple[str | None, dict[str, Any]] = (None, {})


def _members_of(members: Mapping[str, _Read]) -> "Callable[[JsonReader], dict[str, Any]]":
    """Return what reads some members of an object.

    Of several with the same name the last one counts. Of what is no object there are none.
    """
    others = members_besides(members)

    def read_members(reader: JsonReader) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if not reader.begins("{"):
            reader.skip()
            return found
        goes_on = reader.enter("{")
        while goes_on:
            reader.skip_members(others)
            name = reader.name()
            read = members.get(name)
            if read is None:
                reader.skip()
            else:
                found[name] = read(reader)
            goes_on = reader.goes_on("{")
        return found

    return read_members


def _read_step(reader: JsonReader) -> Step:
    step = _read_members_of_step(reader)
    data = step.get("data", {})
    written, output = data.get("output", _NOTHING)
    times, usage = output.get("timeMetadata", {}), output.get("usageMetadata", {})
    node_id = step.get("nodeId") or data.get("id") or ""
    name = data.get("name")
    started_on, finished_on = _instant(times.get("start")), _instant(times.get("end"))
    duration = _whole(times.get("delta"), _LARGEST)
    if duration is None and started_on is not None and finished_on is not None:
        duration = max(finished_on - started_on, 0)
    return Step(
        node_id,
        step.get("nodeLabel") or name or node_id,
        name,
        step.get("status"),
        started_on,
        finished_on,
        duration,
        data.get("error") or output.get("error"),
        data.get("input"),
        written,
        step.get("previousNodeIds", ()),
        data.get("parentNodeId"),
        _whole(data.get("iterationIndex"), _LARGEST_INT),
        _whole(usage.get("input_tokens"), _LARGEST_INT),
        _whole(usage.get("output_tokens"), _LARGEST_INT),
        _whole(usage.get("total_tokens"), _LARGEST_INT),
        _cost(usage.get("total_cost")),
    )


def _written(reader: JsonReader) -> str | None:
    written = reader.written()
    return None if written == "null" else written


def _read_output(reader: JsonReader) -> tuple[str | None, dict[str, Any]]:
    """Return an output as it is written, and what is known of one that is an object."""
    written, members = reader.written_and(_read_members_of_output)
    return (None if written == "null" else written), members


def _message(reader: JsonReader) -> str | None:
    """Return an error: a text, or the message of an object; None if it is empty."""
    if reader.begins("{"):
        return _read_members_of_error(reader).get("message") or None
    return reader.string() or None


def _texts(reader: JsonReader) -> tuple[str, ...]:
    if not reader.begins("["):
        reader.skip()
        return ()
    texts: list[str] = []
    goes_on = reader.enter("[")
    while goes_on:
        if len(texts) == _MOST_PREVIOUS:
            reader.skip_elements()
            reader.skip()
        elif (text := reader.string()) is not None:
            texts.append(text)
        goes_on = reader.goes_on("[")
    return tuple(texts)


_read_members_of_error = _members_of({"message": JsonReader.string})
_read_members_of_output = _members_of(
    {
        "error": _message,
        "timeMetadata": _members_of(dict.fromkeys(("start", "end", "delta"), JsonReader.number)),
        "usageMetadata": _members_of(
            dict.fromkeys(
                ("input_tokens", "output_tokens", "total_tokens", "total_cost"), JsonReader.number
            )
        ),
    }
)
_read_members_of_data = _members_of(
    {
        "id": JsonReader.string,
        "name": JsonReader.string,
        "error": _message,
        "input": _written,
        "output": _read_output,
        "parentNodeId": JsonReader.string,
        "iterationIndex": JsonReader.number,
    }
)
_read_members_of_step = _members_of(
    {
        "nodeId": JsonReader.string,
        "nodeLabel": JsonReader.string,
        "status": JsonReader.string,
        "previousNodeIds": _texts,
        "data": _read_members_of_data,
    }
)


def _whole(value: float | None, largest: int) -> int | None:
    return int(value) if value is not None and 0 <= value <= largest and value % 1 == 0 else None


def _instant(value: float | None) -> int | None:
    return int(value) if value is not None and EARLIEST_MS <= value <= LATEST_MS else None


def _cost(value: float | None) -> float | None:
    return value if value is not None and 0 <= value < math.inf else None
