"""What the commands for Flowise say, line by line."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from db.errors import quote
from db.flowise.attachment import Attached, Drift
from db.flowise.inspection import Inspection
from db.flowise.marker import Marker
from db.flowise.tables import FlowiseTables
from db.models import ExecutionState
from server.operation.program import on_database, program

_COPY_SECONDS = {"sqlite": 590e-6, "postgresql": 280e-6}
"""How long an execution of a kilobyte takes to be copied with its pauses; see bench/results.md."""
_SEARCH_SECONDS = 5e-9
"""How long a byte of it takes to be searched for errors, with the pauses."""
_MOST_SHOWN = 5
_PLAIN = re.compile(r"[\w.:'-]+( [\w.:'-]+)*")
_LONGEST_PLAIN = 80
_UNITS = ("bytes", "kB", "MB", "GB")


def describe_found(tables: FlowiseTables, found: Inspection) -> list[str]:
    """Describe what is in Flowise's tables."""
    columns = {
        "execution": tables.execution,
        "chat_flow": tables.chat_flow,
        "chat_message": tables.chat_message or ("knows no executions",),
    }
    shown = ", ".join(f"{table} ({', '.join(names)})" for table, names in columns.items())
    size = _size(found.size)
    lines = [
        f"Flowise's newest migration: {_shown(tables.version or 'unknown')}",
        f"Columns found: {shown}",
        f"Executions: {found.rows:,}{_listed(found.states)}; the database takes {size}",
        f"Agentflows: {found.flows:,}{_gone(found.gone)}",
    ]
    if tables.has_workspaces:
        lines.append(f"Workspaces: {_workspaces(found.workspaces)}")
    if unknown := found.unknown_states:
        lines.append(f"States that are none of the six: {_pairs(unknown)}")
    left_out = sum(found.left_out.values())
    if left_out:
        lines.append(f"{_left_out(left_out)}: {_pairs(found.left_out)}")
    return lines


def describe_plan(found: Inspection, kind: str) -> list[str]:
    """Say what attaching would do to a database of a kind."""
    taken = found.rows - sum(found.left_out.values())
    duration = _duration(found.seconds + taken * _COPY_SECONDS[kind] + found.size * _SEARCH_SECONDS)
    plan = (
        f"Would make the gateway's tables beside Flowise's, copy {_executions(taken)} in about "
        f"{duration}, and install triggers; Flowise may run meanwhile"
    )
    return [plan, "Nothing was changed"]


def describe_look(marker: Marker, found: Drift) -> list[str]:
    """Say what has drifted in a database that is attached already."""
    lines = ["The database is attached already"]
    if not marker.is_complete:
        lines.append("An earlier attach did not come to its end: attach it again")
    if not found.was_installed:
        lines.append("Triggers are missing or of another version: attach it again")
    if drift := ", ".join(_differences(found)):
        lines.append(f"It has drifted: {drift}; attach it again")
    elif found.was_installed and marker.is_complete:
        lines.append("Nothing has drifted")
    return [*lines, "Nothing was changed"]


def describe_attached(
    attached: Attached, reasons: Iterable[tuple[str, int]], url: str
) -> list[str]:
    """Say what attaching came to."""
    before, mended, counts = attached.before, attached.mended, attached.counts
    lines = []
    if before is None:
        lines.append(
            f"Attached: {_executions(counts.gateway)} and {_agentflows(mended.flows)} were taken "
            f"over in {_duration(attached.seconds)}"
        )
    elif not before.is_complete:
        lines.append(
            "An earlier attach did not come to its end; now it has: "
            f"{_executions(counts.gateway)} are taken over"
        )
    elif mended.has_changed:
        lines.append(f"Attached already; mended what had drifted: {_drift(mended)}")
    else:
        lines.append(
            "Attached already, and nothing had drifted: "
            f"{_executions(counts.gateway)} on both sides"
        )
    if counts.left_out:
        lines.append(f"{_left_out(counts.left_out)}: {_pairs(Counter(dict(reasons)))}")
    if counts.difference:
        lines.append(
            f"Flowise has {counts.flowise - counts.left_out:,} executions that can be taken over, "
            f"and the gateway {counts.gateway:,}: attach it again"
        )
    elif before is None or not before.is_complete:
        lines.append(f"Serve it with: {program()} serve {on_database(url)}")
    return lines


def _drift(mended: Drift) -> str:
    triggers = [] if mended.was_installed else ["triggers were missing or of another version"]
    return ", ".join([*triggers, *_differences(mended)])


def _differences(found: Drift) -> list[str]:
    told = {
        f"{_executions(found.inserted)} missing": found.inserted,
        f"{_executions(found.changed)} different": found.changed,
        f"{_executions(found.deleted)} unknown to Flowise": found.deleted,
        f"{_agentflows(found.flows)} different": found.flows,
        f"{found.caught_up:,} changes that had not come to the other side": found.caught_up,
    }
    return [text for text, is_told in told.items() if is_told]


def _left_out(count: int) -> str:
    return (
        f"{_executions(count)} can't be taken over, and stay{'s' * (count == 1)} in Flowise alone"
    )


def _gone(gone: Mapping[str, int]) -> str:
    if not gone:
        return ""
    executions, are = _executions(sum(gone.values())), "is" if len(gone) == 1 else "are"
    return f"; {executions} of {_agentflows(len(gone))} that {are} gone ({_pairs(gone)})"


def _workspaces(found: Counter[str | None]) -> str:
    named = Counter({name: count for name, count in found.items() if name is not None})
    shown = _pairs(named) or "none"
    return f"{shown}; {found[None]:,} in none" if found[None] else shown


def _listed(states: Counter[str]) -> str:
    known = [f"{state} {states[state]:,}" for state in ExecutionState if states[state]]
    return f" ({', '.join(known)})" if known else ""


def _pairs(counts: Mapping[str, int]) -> str:
    most = Counter(counts).most_common()
    shown = [f"{_shown(name)} ({count:,})" for name, count in most[:_MOST_SHOWN]]
    more = len(most) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _shown(name: str) -> str:
    """Return a text of a row, in quotes and shortened if it could pass for something else."""
    return name if len(name) <= _LONGEST_PLAIN and _PLAIN.fullmatch(name) else quote(name)


def _executions(count: int) -> str:
    return f"{count:,} {'execution' if count == 1 else 'executions'}"


def _agentflows(count: int) -> str:
    return f"{count:,} {'agentflow' if count == 1 else 'agentflows'}"


def _size(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"


def _duration(seconds: float) -> str:
    if seconds < 1.5:
        return "a second"
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"
