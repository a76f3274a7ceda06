"""Attaching: what a check says, what is taken over, and what had drifted."""

import re
import shlex
from pathlib import Path

import pytest

from db.errors import ServiceUnavailable
from db.flowise import attachment
from db.flowise.attachment import Attachment
from db.flowise.postgres_sides import PostgresSides
from db.flowise.sqlite_sides import SQLiteSides
from db.leases import LeaseLost
from tests.flowise_dump import dump, rows
from tests.flowise_tables import add_executions, id_of, run_id
from tests.gateway import run_sql, running_gateway
from tests.places import Place, SQLitePlace, file_of
from tests.server.cli.flowise.commands import DATA, FLOW, GONE, guids, ran, said_by, set_state
from tests.server.cli.program import run


def test_a_check_says_what_is_there_and_changes_nothing(flowise: Place) -> None:
    set_state(flowise, 2, "PAUSED")
    before = dump(flowise)
    said = said_by(flowise, "attach", "--check")
    assert "Flowise's newest migration: AddWebhookSecretToChatFlow17762400000" in said
    assert re.search(r"Columns found: execution \(id, .*workspaceId", said)
    assert "Executions: 5 (FINISHED 2, ERROR 1, STOPPED 1); the database takes" in said
    assert (
        f"Agentflows: 1; 1 execution of 1 agentflow that is gone ({id_of(flowise, GONE)} (1))"
        in said
    )
    assert "States that are none of the six: PAUSED (1)" in said
    assert "1 execution can't be taken over" in said
    assert "copy 4 executions in about a second" in said
    assert dump(flowise) == before


@pytest.mark.sqlite
def test_a_check_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    assert "Executions: 200" in said_by(place, "attach", "--check")
    assert place.path.read_bytes() == DATA.read_bytes()
    assert list(tmp_path.iterdir()) == [place.path]


def test_attaching_takes_over_what_is_there(flowise: Place) -> None:
    ended = run("attach", "flowise", "--database", flowise.url)
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ended.stdout
    assert "Attached: 5 executions and 1 agentflow were taken over" in said
    assert f"serve --database {shlex.quote(flowise.url)}" in said
    with running_gateway(flowise) as gateway:
        assert guids(gateway) == {run_id(flowise, number) for number in range(5)}
        set_state(flowise, 2, "FINISHED")
        answer = gateway.http.put(f"/executions/{run_id(flowise, 1)}", json={"state": "TERMINATED"})
        assert answer.status_code == 200
        answer = gateway.http.request(
            "DELETE", "/executions", json={"executionIds": [run_id(flowise, 0)]}
        )
        assert answer.json()["affected"] == 1
        assert gateway.http.get(f"/executions/{run_id(flowise, 2)}").json()["state"] == "FINISHED"
    states = ("TERMINATED", "FINISHED", "STOPPED", "FINISHED")
    assert dict(rows(flowise)) == {
        run_id(flowise, number): state for number, state in enumerate(states, 1)
    }


def _without_leases(place: Place) -> list[object]:
    """Everything but who mends it: whoever does takes the lease, and lets it go."""
    kept = [line for line in dump(place) if 'INTO "leases"' not in line[0]]
    tables = ("executions", "agentflows", "execution_events", "flowise_attachment")
    return [*kept, *(sorted(run_sql(place, f"SELECT * FROM {name}"), key=repr) for name in tables)]


def test_attaching_twice_changes_nothing_and_says_so(flowise: Place) -> None:
    said_by(flowise, "attach")
    before = _without_leases(flowise)
    again = said_by(flowise, "attach")
    assert again == "Attached already, and nothing had drifted: 5 executions on both sides\n"
    assert _without_leases(flowise) == before
    said = said_by(flowise, "attach", "--check")
    assert "The database is attached already\nNothing has drifted\nNothing was changed" in said


def test_an_attach_that_another_one_takes_over_says_so(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> None:
        raise LeaseLost

    with monkeypatch.context() as patch:
        patch.setattr(Attachment, "mend", lose)
        assert "Another call of attach has taken over" in said_by(flowise, "attach", status=1)
    assert "An earlier attach did not come to its end; now it has" in said_by(flowise, "attach")


def _drift(place: Place) -> None:
    """Write around the triggers: one execution less, one other, one too many."""
    if isinstance(place, SQLitePlace):
        triggers = run_sql(
            place,
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'execution'",
        )
        for (name,) in triggers:
            run_sql(place, f"DROP TRIGGER {name}")
    else:
        run_sql(place, "ALTER TABLE execution DISABLE TRIGGER USER")
    run_sql(place, f"DELETE FROM execution WHERE id = '{run_id(place, 0)}'")
    set_state(place, 1, "TIMEOUT")
    add_executions(place, [{"id": "run-7", "agentflowId": FLOW}])


def test_attaching_again_mends_and_says_what_had_drifted(flowise: Place) -> None:
    said_by(flowise, "attach")
    _drift(flowise)
    before = run_sql(flowise, "SELECT * FROM executions ORDER BY id")
    different = "1 execution missing, 1 execution different, 1 execution unknown to Flowise"
    checked = said_by(flowise, "attach", "--check")
    assert "Triggers are missing" in checked
    assert f"It has drifted: {different}" in checked
    assert run_sql(flowise, "SELECT * FROM executions ORDER BY id") == before
    said = said_by(flowise, "attach")
    assert "mended what had drifted: triggers were missing or of another version" in said
    assert different in said
    found = run_sql(flowise, "SELECT guid, state FROM executions ORDER BY guid")
    assert found == rows(flowise)
    assert "nothing had drifted" in said_by(flowise, "attach")


@pytest.mark.parametrize(
    "steps", [[(attachment, "upgrade")], [(SQLiteSides, "install"), (PostgresSides, "install")]]
)
def test_a_check_after_an_attach_that_was_ended_at_its_beginning_says_so(
    flowise: Place, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[object, str]]
) -> None:
    async def end(_: object) -> None:
        raise ServiceUnavailable("The database is away")

    with monkeypatch.context() as patch:
        for owner, name in steps:
            patch.setattr(owner, name, end)
        said_by(flowise, "attach", status=1)
    said = said_by(flowise, "attach", "--check")
    assert "An earlier attach did not come to its end: attach it again" in said
    assert "Triggers are missing" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("UPDATE agentflows SET name = 'Other'", "1 agentflow different"),
        ("UPDATE executions SET state = 'ERROR' WHERE guid = '{0}'", "1 changes that had not come"),
    ],
)
@pytest.mark.sqlite
def test_a_check_tells_of_agentflows_and_of_changes_that_wait(
    changed: str, said: str, flowise: Place
) -> None:
    said_by(flowise, "attach")
    run_sql(flowise, changed.format(run_id(flowise, 4)))
    before = dump(flowise)
    checked = said_by(flowise, "attach", "--check")
    assert "It has drifted: " in checked
    assert said in checked
    assert dump(flowise) == before


@pytest.mark.postgres
def test_a_check_tells_of_what_waits_in_postgresql(flowise: Place) -> None:
    said_by(flowise, "attach")
    run_sql(flowise, "UPDATE agentflows SET name = 'Other'")
    run_sql(
        flowise, f"INSERT INTO flowise_not_yet (guid, reason) VALUES ('{run_id(flowise, 4)}', 'x')"
    )
    said = said_by(flowise, "attach", "--check")
    assert "1 agentflow different, 1 changes that had not come to the other side" in said


@pytest.mark.sqlite
def test_a_check_tells_of_times_that_can_not_be_read(flowise: Place) -> None:
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = 'yesterday' WHERE id = 'run-3'")
    said = said_by(flowise, "attach", "--check")
    assert "Flowise alone: its createdDate can't be read as a time (1)" in said


def test_pruning_an_attached_database_says_that_flowise_loses_executions(flowise: Place) -> None:
    said_by(flowise, "attach")
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = '2020-01-01 00:00:00'")
    _, said = ran("prune", "--older-than", "30d", "--database", flowise.url)
    assert "what is deleted is deleted in Flowise, too" in said
    assert "Deleted 4 executions" in said
    assert rows(flowise) == [(run_id(flowise, 2), "INPROGRESS")]


@pytest.mark.sqlite
def test_a_file_is_attached_with_all_rows_and_no_more_rights(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    file_of(place).chmod(0o644)
    assert "Attached: 200 executions and 40 agentflows" in said_by(place, "attach")
    assert place.path.stat().st_mode & 0o777 == 0o644
