"""Figures of Flowise and of the gateway over the same database, as ratios within one run."""

import json
import os
import shutil
import statistics
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from tests.flowise.flows import FLOWS
from tests.flowise.process import Flowise
from tests.flowise.story import Setting, command, say, served
from tests.places import Place, SQLitePlace

_STATES = ["FINISHED"] * 88 + ["ERROR"] * 8 + ["STOPPED"] * 2 + ["TERMINATED", "INPROGRESS"]
_WRITES = Path(__file__).with_name("writes.cjs")
_ROUNDS = 4
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = {
    "newest 50": ("limit=50", "page=1&limit=50"),
    "page of 12": ("page=1&limit=12", "page=1&limit=12"),
    "page 1,000 of 12": ("page=1000&limit=12", "page=1000&limit=12"),
    "50 of one state": ("state=ERROR&limit=50", "state=ERROR&page=1&limit=50"),
    "50 of a day": (
        "startDate=2026-02-01&endDate=2026-02-02&limit=50",
        "startDate=2026-02-01T00:00:00Z&endDate=2026-02-02T00:00:00Z&page=1&limit=50",
    ),
}
"""What both are asked for, by Flowise's query and by the gateway's."""


def measure(setting: Setting, rows: int) -> None:
    """Print the figures as tables of Markdown."""
    with setting.running() as flowise:
        workspace = flowise.register()
        for name, data in FLOWS.items():
            flowise.create_flow(name, data)
        flowise.run("success", "sample")
        data = flowise.executions(limit=1)[0]["executionData"]
        _costs(setting, flowise, workspace, data)
        _fill(setting.place, rows, data, list(flowise.flows.values()), workspace)
        began = time.monotonic()
        say(command(setting.place.url, "attach", "flowise").strip())
        say(f"\n{rows:,} executions attached in {time.monotonic() - began:.1f} s\n")
        made = command(setting.place.url, "keys", "create", "figures", "--scope", "read")
        with served(setting.place, "keys") as gateway:
            _lists(flowise, gateway.url, psutil.Process(gateway.pid), made.split()[-1])


def _costs(setting: Setting, flowise: Flowise, workspace: str, data: str) -> None:
    """Compare what Flowise spends on executions while the gateway is attached, and while not."""
    failed = data.replace('"status":"FINISHED"}]', '"status":"ERROR"}]')
    works: dict[str, Callable[[], tuple[float, float]]] = {
        "create, then FINISHED": lambda: _written(setting, workspace, "FINISHED", data),
        "create, then ERROR": lambda: _written(setting, workspace, "ERROR", failed),
        "a whole run of a short flow": lambda: _run(flowise),
    }
    alone: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    attached: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(_ROUNDS):
        for name, work in works.items():
            alone[name].append(work())
        command(setting.place.url, "attach", "flowise")
        with served(setting.place):
            for name, work in works.items():
                attached[name].append(work())
        command(setting.place.url, "detach", "flowise", "--yes")
    say("| work of Flowise | alone | attached | ratio | processor time of Flowise |")
    say("|---|---|---|---|---|")
    for name in works:
        (wall, cpu), (wall_attached, cpu_attached) = (
            [min(each) for each in zip(*measured[name], strict=True)]
            for measured in (alone, attached)
        )
        say(
            f"| {name} | {wall:.2f} ms | {wall_attached:.2f} ms | {wall_attached / wall:.2f} |"
            f" {cpu:.2f} ms, then {cpu_attached:.2f} ms ({cpu_attached / cpu:.2f}) |"
        )


def _written(setting: Setting, *written: str) -> tuple[float, float]:
    """Milliseconds, and those of processor time, that Flowise's entities take for an execution."""
    node = shutil.which("node")
    assert node is not None
    workspace, state, data = written
    ran = subprocess.run(
        [node, _WRITES, setting.packages, "300", state, data, workspace],
        env={"PATH": os.environ["PATH"], "HOME": str(setting.folder), **setting.database},
        capture_output=True,
        check=True,
    )
    wall, cpu = json.loads(ran.stdout.splitlines()[-1])
    return wall, cpu


def _run(flowise: Flowise) -> tuple[float, float]:
    """The same of a whole run, from the request to its answer."""
    before, began = flowise.processor_seconds(), time.monotonic()
    for _ in range(100):
        flowise.run("short", uuid.uuid4().hex).raise_for_status()
    spent, seconds = flowise.processor_seconds() - before, time.monotonic() - began
    return seconds * 10, spent * 10


def _fill(place: Place, rows: int, data: str, flows: list[str], workspace: str) -> None:
    values = []
    for number in range(rows):
        moment = _BEGIN + timedelta(seconds=number * 100)
        state = _STATES[number * 37 % 100]
        values.append(
            (
                str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
                "[]" if state == "INPROGRESS" else data,
                state,
                flows[number % len(flows)],
                f"session-{number // 3}",
                _time(place, moment),
                _time(place, moment + timedelta(seconds=number % 9)),
                workspace,
            )
        )
    columns = "id executionData state agentflowId sessionId createdDate updatedDate workspaceId"
    named = ", ".join(f'"{column}"' for column in columns.split())
    _write(place, f"INSERT INTO execution ({named}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _time(place: Place, moment: datetime) -> object:
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    return text if isinstance(place, SQLitePlace) else moment.replace(tzinfo=None)


def _write(place: Place, statement: str, values: Iterable[tuple[object, ...]]) -> None:
    place.run(statement, values)


def _lists(flowise: Flowise, gateway: str, process: psutil.Process, token: str) -> None:
    """Compare lists as programs ask for them, with an API key of each server."""
    guid = flowise.executions(limit=1)[0]["id"]
    key = {"authorization": f"Bearer {flowise.make_key()}"}
    own_key = {"authorization": f"Bearer {token}"}
    say("| asked for | Flowise | gateway | requests a second | processor time |")
    say("|---|---|---|---|---|")
    with (
        httpx.Client(base_url=f"{flowise.url}/api/v1", headers=key, timeout=300) as theirs,
        httpx.Client(base_url=gateway, headers=own_key, timeout=60) as ours,
    ):
        asked = {name: [f"/executions?{query}" for query in each] for name, each in LISTS.items()}
        for name, paths in (asked | {"one by its id": [f"/executions/{guid}"] * 2}).items():
            count = 30 if "id" in name else 2
            rounds = [
                (
                    _rate(theirs, paths[0], flowise.process, count),
                    _rate(ours, paths[1], process, 200),
                )
                for _ in range(_ROUNDS)
            ][1:]
            (rate, cost), (own_rate, own_cost) = (
                (
                    statistics.median(each[side][0] for each in rounds),
                    min(each[side][1] for each in rounds),
                )
                for side in range(2)
            )
            say(
                f"| {name} | {rate:.1f} ({cost:,.0f} ms) | {own_rate:.0f} ({own_cost:.2f} ms) |"
                f" {own_rate / rate:,.0f} times | {cost / own_cost:,.0f} times less |"
            )
        flowise.execution(guid)
        session = _rate(flowise.http, f"/api/v1/executions/{guid}", flowise.process, 30)
        say(f"\nOne by its id with a browser's session instead of a key: {session[1]:.0f} ms")


def _rate(
    client: httpx.Client, path: str, process: psutil.Process, count: int
) -> tuple[float, float]:
    """Requests a second, one after the other, and milliseconds of processor time for each."""
    before, began = process.cpu_times(), time.monotonic()
    for _ in range(count):
        client.get(path).raise_for_status()
    after, seconds = process.cpu_times(), time.monotonic() - began
    spent = after.user + after.system - before.user - before.system
    return count / seconds, spent * 1000 / count
