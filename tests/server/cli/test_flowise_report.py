"""What the commands for Flowise say."""

import pytest

from db.flowise.attachment import Attached, Drift
from db.flowise.inspection import Inspection
from db.flowise.sides import Counts
from db.flowise.tables import FlowiseTables
from server.cli.flowise_report import describe_attached, describe_found, describe_plan


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:se/cr:et@server/flowise", "'postgresql://me:***@server/flowise'"),
        (
            "postgresql://me@server:5432/flowise?password=secret&x=1",
            "'postgresql://me@server:5432/flowise?password=***&x=1'",
        ),
        ("postgresql://me@server:5432/flowise", "postgresql://me@server:5432/flowise"),
        ("sqlite:////home/a:b/database.sqlite", "sqlite:////home/a:b/database.sqlite"),
    ],
)
def test_the_command_that_serves_it_shows_no_password(url: str, shown: str) -> None:
    attached = Attached(None, Drift(), Counts(1, 1, 0), 0.0)
    *_, last = describe_attached(attached, [], url)
    assert last.endswith(f" serve --database {shown}")


@pytest.mark.parametrize(
    ("kind", "shown"), [("sqlite", "61 seconds"), ("postgresql", "30 seconds")]
)
def test_a_check_says_about_how_long_copying_takes(kind: str, shown: str) -> None:
    found = Inspection(rows=100_010, size=200_000_000, seconds=1.0)
    found.left_out["its id is empty"] = 10
    plan, _ = describe_plan(found, kind)
    assert f"copy 100,000 executions in about {shown}, and" in plan


def test_texts_of_rows_are_told_from_what_the_command_says() -> None:
    forged = "FINISHED (9)\nNothing has drifted\t\x1b[2J"
    found = Inspection(rows=4)
    found.states.update({forged: 1, "on hold": 2})
    found.workspaces.update({f"a{forged}": 1, "7f3c-a.b": 2})
    found.gone["x" * 5000] = 3
    tables = FlowiseTables({"workspaceId": "text"}, {}, {}, version=f"Add{forged}")
    lines = describe_found(tables, found)
    assert not any("\n" in line or "\t" in line or len(line) > 400 for line in lines)
    said = "\n".join(lines)
    assert f"none of the six: on hold (2), {forged!r} (1)" in said
    assert f"Workspaces: 7f3c-a.b (2), {'a' + forged!r} (1)" in said
    assert f"newest migration: {'Add' + forged!r}" in said
    assert "… (5,002 characters) (3)" in said
