"""What the engine recorded of a demo execution, as Flowise writes it; see ``db.contents.steps``."""

import json
from random import Random
from typing import Any, NamedTuple

from db.demo.agentflows import AGENT, CHOICE, MODEL, REQUEST, SEARCH, START, Agentflow, Kind

_GAP_MS = 12
_PRICE_OF_INPUT, _PRICE_OF_OUTPUT = 2.5e-6, 1e-5


class Run(NamedTuple):
    """How a run of an agentflow went. ``updated_on`` is its end, if it has ended."""

    flow: Agentflow
    state: str
    created_on: int
    updated_on: int
    error: str | None


def record(run: Run, session_id: str | None, chance: Random) -> str:
    """Return the steps of a run as JSON text. The last one has the state in which the run is."""
    nodes = run.flow.nodes[: _reached(run, chance)]
    shares = [kind.takes * chance.uniform(0.6, 1.4) for kind, _ in nodes]
    lasts = (run.updated_on - run.created_on - _GAP_MS) / (sum(shares) or 1)
    steps: list[dict[str, Any]] = []
    begins = float(run.created_on + _GAP_MS)
    for number, ((kind, label), share) in enumerate(zip(nodes, shares, strict=True)):
        ends = begins + lasts * share
        times = {"start": int(begins), "end": int(ends), "delta": int(ends) - int(begins)}
        status = run.state if number == len(nodes) - 1 else "FINISHED"
        node_id = f"{kind.name}_{number}"
        data: dict[str, Any] = {
            "id": node_id,
            "name": kind.name,
            "input": _input(kind, run.flow),
            "output": _output(kind, run.flow, times, chance) if status == "FINISHED" else {},
            "state": {},
        }
        if status == "ERROR":
            data["error"] = run.error
            data["output"] = {"timeMetadata": times}
        elif status == "FINISHED" and number and session_id:
            data["chatHistory"] = [{"role": "user", "content": run.flow.asked}]
        previous = [steps[-1]["nodeId"]] if steps else []
        steps.append(
            {
                "previousNodeIds": previous,
                "nodeId": node_id,
                "nodeLabel": label,
                "data": data,
                "status": status,
            }
        )
        begins = ends
    return json.dumps(steps, ensure_ascii=False, separators=(",", ":"))


def _reached(run: Run, chance: Random) -> int:
    """Return how many nodes a run came to."""
    if run.state == "FINISHED":
        return len(run.flow.nodes)
    last = [
        number
        for number, (kind, _) in enumerate(run.flow.nodes, 1)
        if (run.error in kind.faults if run.error else kind.takes >= 1)
    ]
    return chance.choice(last)


def _input(kind: Kind, flow: Agentflow) -> dict[str, Any]:
    if kind in {START, SEARCH}:
        return {"question": flow.asked}
    if kind in {MODEL, AGENT, CHOICE}:
        return {
            "messages": [
                {"role": "system", "content": f"You are part of {flow.name!r}. Be brief."},
                {"role": "user", "content": flow.asked},
            ]
        }
    if kind is REQUEST:
        return {"method": "GET", "url": "https://api.internal/v2/records"}
    return {"input": flow.asked}


def _output(kind: Kind, flow: Agentflow, times: dict[str, int], chance: Random) -> dict[str, Any]:
    if kind is START:
        return {"question": flow.asked}
    output: dict[str, Any] = {"content": flow.answered, "timeMetadata": times}
    if kind in {MODEL, AGENT, CHOICE}:
        read, written = chance.randrange(300, 4_000), chance.randrange(20, 700)
        output["usageMetadata"] = {
            "input_tokens": read,
            "output_tokens": written,
            "total_tokens": read + written,
            "total_cost": round(read * _PRICE_OF_INPUT + written * _PRICE_OF_OUTPUT, 6),
        }
    elif kind is REQUEST:
        output["http"] = {"status": 200, "data": {"records": chance.randrange(1, 40)}}
    return output
