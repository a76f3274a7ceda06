"""Detaching: what is left, and what it waits for."""

import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

from db.database import Database
from db.errors import ServiceUnavailable
from db.flowise import attachment
from tests.db.flowise.equality import check_sides
from tests.flowise_dump import dump
from tests.flowise_tables import run_id
from tests.gateway import make_key, run_sql, running_gateway
from tests.places import Place, SQLitePlace
from tests.server.cli.flowise.commands import DATA, guids, migrate, said_by


@pytest.mark.sqlite
def test_a_real_file_is_equal_on_both_sides_and_as_it_was_after_detaching(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    before = dump(place)
    said_by(place, "attach")
    with contextlib.closing(sqlite3.connect(place.path)) as connection:
        check_sides(connection)
    with running_gateway(place, max_cost=100_000) as gateway:
        found = gateway.graphql(
            "{ executions(first: 200) { nodes { guid data dataProblem steps { nodeId } } } }"
        )
    nodes = found["executions"]["nodes"]
    assert {node["guid"]: node["data"] for node in nodes} == {
        id_: json.loads(data)
        for id_, data in run_sql(place, 'SELECT id, "executionData" FROM execution')
    }
    assert {(node["dataProblem"], len(node["steps"]) - len(node["data"])) for node in nodes} == {
        (None, 0)
    }
    assert len(nodes) == 200
    said_by(place, "detach", "--yes")
    assert dump(place) == before


def test_detaching_leaves_flowise_as_it_was(flowise: Place) -> None:
    before = dump(flowise)
    said_by(flowise, "attach")
    make_key(flowise, "read")
    said = said_by(flowise, "detach", "--yes")
    assert "with them 1 API key; nothing of the gateway is left in Flowise's tables" in said
    assert dump(flowise) == before
    assert "not attached" in said_by(flowise, "detach", "--yes", status=1)
    assert "Attached: 5 executions" in said_by(flowise, "attach")


@pytest.mark.sqlite
def test_detaching_sets_back_the_journal_mode(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    said_by(place, "attach")
    assert run_sql(place, "PRAGMA journal_mode") == [("wal",)]
    said_by(place, "detach", "--yes")
    assert run_sql(place, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.sqlite
def test_detaching_sets_no_journal_mode_that_there_is_not(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    said_by(place, "attach")
    run_sql(place, "UPDATE flowise_attachment SET journal_mode = 'delete; DROP TABLE execution'")
    said_by(place, "detach", "--yes")
    assert run_sql(place, "PRAGMA journal_mode") == [("wal",)]


def test_detaching_asks_and_refuses_where_nobody_can_answer(flowise: Place) -> None:
    said_by(flowise, "attach")
    before = dump(flowise)
    assert "--yes" in said_by(flowise, "detach", status=1)
    assert dump(flowise) == before


def test_detaching_refuses_while_any_gateway_runs(flowise: Place) -> None:
    said_by(flowise, "attach")
    with running_gateway(flowise) as gateway:
        with running_gateway(flowise):
            pass
        said = said_by(flowise, "detach", "--yes", status=1)
        assert re.search(
            r"A gateway runs on this database \((processes|Postgre.*): [0-9, ]+\)", said
        )
        assert len(guids(gateway)) == 5
    assert "Detached" in said_by(flowise, "detach", "--yes")


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("view", "AS SELECT guid FROM executions"),
        ("view", "AS SELECT flowise AS n FROM Flowise_Attachment"),
        pytest.param(
            "trigger",
            "AFTER DELETE ON chat_flow BEGIN DELETE FROM agentflows; END",
            marks=pytest.mark.sqlite,
        ),
        ("table", "(guid text REFERENCES executions (guid))"),
        pytest.param("view", "AS SELECT gateway_casefold('A') AS a", marks=pytest.mark.postgres),
    ],
)
def test_detaching_is_refused_while_something_of_others_depends_on_the_gateways_tables(
    flowise: Place, kind: str, made: str
) -> None:
    run_sql(flowise, "CREATE VIEW counts AS SELECT count(*) AS executions FROM execution")
    if isinstance(flowise, SQLitePlace):
        run_sql(flowise, "CREATE VIEW broken AS SELECT * FROM nowhere")
    said_by(flowise, "attach")
    run_sql(flowise, f"CREATE {kind} mine {made}")
    before = dump(flowise)
    said = said_by(flowise, "detach", "--yes", status=1)
    assert "depends on the gateway's tables: " in said
    assert f"{kind} mine. Nothing was removed" in said
    assert dump(flowise) == before
    run_sql(flowise, f"DROP {kind} mine")
    assert "Detached" in said_by(flowise, "detach", "--yes")


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (
            'ALTER TABLE execution RENAME COLUMN "sessionId" TO another',
            'ALTER TABLE execution RENAME COLUMN another TO "sessionId"',
        ),
        ("ALTER TABLE execution RENAME TO another", "ALTER TABLE another RENAME TO execution"),
        ("ALTER TABLE chat_flow RENAME TO another", "ALTER TABLE another RENAME TO chat_flow"),
    ],
)
def test_tables_that_are_no_longer_what_flowise_made_can_be_detached(
    flowise: Place, there: str, back: str
) -> None:
    run_sql(flowise, there)
    before = dump(flowise)
    run_sql(flowise, back)
    said_by(flowise, "attach")
    run_sql(flowise, there)
    assert "Detached" in said_by(flowise, "detach", "--yes")
    assert dump(flowise) == before


def test_detaching_can_be_tried_again_at_once_after_a_failure(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Database) -> None:
        raise ServiceUnavailable("The database is busy")

    said_by(flowise, "attach")
    with monkeypatch.context() as patch:
        patch.setattr(attachment, "remove_sides", fail)
        assert "busy" in said_by(flowise, "detach", "--yes", status=1)
    assert "Detached" in said_by(flowise, "detach", "--yes")


def test_tables_beside_flowises_that_were_never_attached_can_be_removed(flowise: Place) -> None:
    before = dump(flowise)
    migrate(flowise)
    for guid in (run_id(flowise, 1), "mine"):
        run_sql(
            flowise,
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            f" VALUES ('{guid}', 'flow', 'ERROR', 1)",
        )
    said = said_by(flowise, "detach", "--yes", status=1)
    assert "executions that Flowise does not know, such as 'mine'" in said
    run_sql(flowise, "DELETE FROM executions WHERE guid = 'mine'")
    assert "Detached" in said_by(flowise, "detach", "--yes")
    assert dump(flowise) == before
