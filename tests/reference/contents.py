"""The data of executions: written for their ids, and read in a plain way."""

import json
from dataclasses import dataclass
from typing import Any

import orjson

_STEPS: Any = [
    {
        "nodeId": "startAgentflow_0",
        "nodeLabel": "Start",
        "data": {"name": "startAgentflow", "input": {"question": "Wie geht's?"}, "output": {}},
        "previousNodeIds": [],
        "status": "FINISHED",
    },
    {
        "nodeId": "llmAgentflow_0",
        "nodeLabel": "Antwort \U0001f600",
        "data": {
            "input": "text",
            "output": {
                "content": 'a\n"b"\\',
                "timeMetadata": {"start": 1700000000000, "end": 1700000000500, "delta": 500},
                "usageMetadata": {"input_tokens": 7, "output_tokens": 0, "total_cost": 0.25},
            },
            "parentNodeId": "iterationAgentflow_0",
            "iterationIndex": 0,
        },
        "previousNodeIds": ["startAgentflow_0", "loop"],
        "status": "TERMINATED",
    },
    {"data": {"id": "only data", "error": {"message": "Flow execution was cancelled"}}},
]
_WRITTEN = [
    None,
    orjson.dumps(_STEPS).decode(),
    None,
    "[]",
    orjson.dumps(_STEPS[1:] * 3).decode(),
    '{"no":"list"}',
    "null",
    "[no JSON",
]


def written(execution_id: int) -> str | None:
    """The data that is written for an execution, if any."""
    return _WRITTEN[execution_id % len(_WRITTEN)]


@dataclass
class ExecutionStep:
    node_id: str
    label: str
    name: str | None
    status: str | None
    started_on: int | None
    finished_on: int | None
    duration_ms: int | None
    error: str | None
    input: Any
    output: Any
    previous: list[str]
    parent: str | None
    iteration: int | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost: float | None


def problem_of(text: str | None) -> str | None:
    """Why there are no steps, or not even data."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return "It is no JSON: expected a value at character 1"
    return None if isinstance(found, list) else "Its steps can't be shown: it is no list"


def data_of(text: str | None) -> Any:
    """The data of an execution."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def steps_of(text: str | None) -> list[ExecutionStep]:
    """The steps of an execution."""
    found = data_of(text)
    return [_step(each) for each in found] if isinstance(found, list) else []


def _step(step: dict[str, Any]) -> ExecutionStep:
    data = step["data"]
    output = data.get("output", {})
    times, usage = output.get("timeMetadata", {}), output.get("usageMetadata", {})
    node_id = step.get("nodeId") or data["id"]
    return ExecutionStep(
        node_id=node_id,
        label=step.get("nodeLabel") or data.get("name") or node_id,
        name=data.get("name"),
        status=step.get("status"),
        started_on=times.get("start"),
        finished_on=times.get("end"),
        duration_ms=times.get("delta"),
        error=data.get("error", {}).get("message"),
        input=data.get("input"),
        output=data.get("output"),
        previous=step.get("previousNodeIds", []),
        parent=data.get("parentNodeId"),
        iteration=data.get("iterationIndex"),
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        total_tokens=usage.get("total_tokens"),
        cost=usage.get("total_cost"),
    )
