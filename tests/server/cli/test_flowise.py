"""``attach flowise`` and ``detach flowise``, run as programs."""

import contextlib
import json
import re
import shlex
import sqlite3
from pathlib import Path

import anyio
import pytest

from db.errors import GatewayError
from db.flowise.attachment import Attachment
from db.leases import LeaseLost
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.db.flowise.equality import check_sides
from tests.flowise_dump import dump, rows
from tests.flowise_tables import add_executions, add_flows, id_of, run_id
from tests.gateway import Gateway, make_key, run_sql, running_gateway
from tests.places import Place, PostgresPlace, SQLitePlace, file_of
from tests.server.cli.program import invoke, run

FLOW, GONE = "flow-a", "flow-gone"
DATA = Path(__file__).parents[2] / "data" / "flowise-3.1.4.sqlite"


@pytest.fixture
def flowise(flowise: Place) -> Place:
    """A database of Flowise's with five executions, which no gateway knows."""
    add_flows(flowise, {FLOW: "Support"})
    states = ("FINISHED", "ERROR", "INPROGRESS", "STOPPED", "FINISHED")
    add_executions(
        flowise,
        (
            {"id": f"run-{number}", "state": state, "agentflowId": FLOW if number else GONE}
            for number, state in enumerate(states)
        ),
    )
    return flowise


def _ran(*arguments: str) -> tuple[int, str]:
    """What a command printed, and its exit status."""
    try:
        ended = invoke(*arguments)
    except GatewayError as error:
        return 1, error.message
    return ended.exit_code, ended.output


def _said(place: Place, *arguments: str, status: int = 0) -> str:
    command, *options = arguments
    ended, said = _ran(command, "flowise", "--database", place.url, *options)
    assert ended == status, said
    return said


def _migrate(place: Place) -> None:
    async def migrate() -> None:
        database = open_database(place.url)
        await upgrade(database)
        await database.close()

    anyio.run(migrate)


def _guids(gateway: Gateway) -> set[str]:
    return {row["guid"] for row in gateway.http.get("/executions").json()}


def _set_state(place: Place, number: int, state: str) -> None:
    run_sql(place, f"UPDATE execution SET state = '{state}' WHERE id = '{run_id(place, number)}'")


def test_a_check_says_what_is_there_and_changes_nothing(flowise: Place) -> None:
    _set_state(flowise, 2, "PAUSED")
    before = dump(flowise)
    said = _said(flowise, "attach", "--check")
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
    assert "Executions: 200" in _said(place, "attach", "--check")
    assert place.path.read_bytes() == DATA.read_bytes()
    assert list(tmp_path.iterdir()) == [place.path]


def test_attaching_takes_over_what_is_there(flowise: Place) -> None:
    ended = run("attach", "flowise", "--database", flowise.url)
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ended.stdout
    assert "Attached: 5 executions and 1 agentflow were taken over" in said
    assert f"serve --database {shlex.quote(flowise.url)}" in said
    with running_gateway(flowise) as gateway:
        assert _guids(gateway) == {run_id(flowise, number) for number in range(5)}
        _set_state(flowise, 2, "FINISHED")
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
    _said(flowise, "attach")
    before = _without_leases(flowise)
    again = _said(flowise, "attach")
    assert again == "Attached already, and nothing had drifted: 5 executions on both sides\n"
    assert _without_leases(flowise) == before
    said = _said(flowise, "attach", "--check")
    assert "The database is attached already\nNothing has drifted\nNothing was changed" in said


def test_an_attach_that_another_one_takes_over_says_so(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> None:
        raise LeaseLost

    with monkeypatch.context() as patch:
        patch.setattr(Attachment, "mend", lose)
        assert "Another call of attach has taken over" in _said(flowise, "attach", status=1)
    assert "An earlier attach did not come to its end; now it has" in _said(flowise, "attach")


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
    _set_state(place, 1, "TIMEOUT")
    add_executions(place, [{"id": "run-7", "agentflowId": FLOW}])


def test_attaching_again_mends_and_says_what_had_drifted(flowise: Place) -> None:
    _said(flowise, "attach")
    _drift(flowise)
    before = run_sql(flowise, "SELECT * FROM executions ORDER BY id")
    assert "Triggers are missing" in _said(flowise, "attach", "--check")
    assert run_sql(flowise, "SELECT * FROM executions ORDER BY id") == before
    said = _said(flowise, "attach")
    assert "mended what had drifted: triggers were missing or of another version" in said
    assert "1 execution missing, 1 execution different, 1 execution unknown to Flowise" in said
    found = run_sql(flowise, "SELECT guid, state FROM executions ORDER BY guid")
    assert found == rows(flowise)
    assert "nothing had drifted" in _said(flowise, "attach")


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
    _said(flowise, "attach")
    run_sql(flowise, changed.format(run_id(flowise, 4)))
    before = dump(flowise)
    checked = _said(flowise, "attach", "--check")
    assert "It has drifted: " in checked
    assert said in checked
    assert dump(flowise) == before


@pytest.mark.postgres
def test_a_check_tells_of_what_waits_in_postgresql(flowise: Place) -> None:
    _said(flowise, "attach")
    run_sql(flowise, "UPDATE agentflows SET name = 'Other'")
    run_sql(
        flowise, f"INSERT INTO flowise_not_yet (guid, reason) VALUES ('{run_id(flowise, 4)}', 'x')"
    )
    said = _said(flowise, "attach", "--check")
    assert "1 agentflow different, 1 changes that had not come to the other side" in said


@pytest.mark.sqlite
def test_a_check_tells_of_times_that_can_not_be_read(flowise: Place) -> None:
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = 'yesterday' WHERE id = 'run-3'")
    said = _said(flowise, "attach", "--check")
    assert "Flowise alone: its createdDate can't be read as a time (1)" in said


@pytest.mark.sqlite
def test_a_real_file_is_equal_on_both_sides_and_as_it_was_after_detaching(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    before = dump(place)
    _said(place, "attach")
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
    _said(place, "detach", "--yes")
    assert dump(place) == before


def test_detaching_leaves_flowise_as_it_was(flowise: Place) -> None:
    before = dump(flowise)
    _said(flowise, "attach")
    make_key(flowise, "read")
    said = _said(flowise, "detach", "--yes")
    assert "with them 1 API key; nothing of the gateway is left in Flowise's tables" in said
    assert dump(flowise) == before
    assert "not attached" in _said(flowise, "detach", "--yes", status=1)
    assert "Attached: 5 executions" in _said(flowise, "attach")


@pytest.mark.sqlite
def test_detaching_sets_back_the_journal_mode(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    _said(place, "attach")
    assert run_sql(place, "PRAGMA journal_mode") == [("wal",)]
    _said(place, "detach", "--yes")
    assert run_sql(place, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.sqlite
def test_detaching_sets_no_journal_mode_that_there_is_not(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    _said(place, "attach")
    run_sql(place, "UPDATE flowise_attachment SET journal_mode = 'delete; DROP TABLE execution'")
    _said(place, "detach", "--yes")
    assert run_sql(place, "PRAGMA journal_mode") == [("wal",)]


def test_detaching_asks_and_refuses_where_nobody_can_answer(flowise: Place) -> None:
    _said(flowise, "attach")
    before = dump(flowise)
    assert "--yes" in _said(flowise, "detach", status=1)
    assert dump(flowise) == before


def test_detaching_refuses_while_any_gateway_runs(flowise: Place) -> None:
    _said(flowise, "attach")
    with running_gateway(flowise) as gateway:
        with running_gateway(flowise):
            pass
        said = _said(flowise, "detach", "--yes", status=1)
        assert re.search(
            r"A gateway runs on this database \((processes|Postgre.*): [0-9, ]+\)", said
        )
        assert len(_guids(gateway)) == 5
    assert "Detached" in _said(flowise, "detach", "--yes")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--database", "mysql://root:secret@server/flowise"], "MySQL or MariaDB"),
        (["--database", "mysql2://root:secret@server/flowise"], "sqlite or postgres"),
        (["--database", "mariadb+pymysql://server/flowise"], "MySQL or MariaDB"),
        (["--database", "sqlite:///nothing.sqlite"], "There is no file"),
        (["--database", "sqlite:///text.txt"], "is not an SQLite database"),
        (["--database", "sqlite:///empty.sqlite"], "no table execution and no table chat_flow"),
        ([], "Name Flowise's database with --database"),
    ],
)
@pytest.mark.parametrize("command", ["attach", "detach"])
def test_what_can_not_be_attached_is_refused_and_nothing_is_changed(
    command: str,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("No database at all, but a text that is long enough for one\n" * 9)
    sqlite3.connect("empty.sqlite").close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    status, printed = _ran(command, "flowise", *arguments)
    assert status == 1
    is_detached = command == "detach" and "empty" in str(arguments)
    assert ("not attached to a Flowise" if is_detached else said) in printed
    assert "secret" not in printed
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_usual_file_is_named_to_those_who_name_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".flowise").mkdir()
    (tmp_path / ".flowise" / "database.sqlite").touch()
    _, said = _ran("attach", "flowise")
    assert f"--database sqlite:///{tmp_path}/.flowise/database.sqlite" in said


def test_executions_of_the_gateways_own_are_not_given_to_flowise(flowise: Place) -> None:
    _migrate(flowise)
    run_sql(
        flowise,
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('mine', 'flow', 'FINISHED', 1)",
    )
    before = dump(flowise)
    said = _said(flowise, "attach", status=1)
    assert "rows that Flowise does not know, such as 'mine'" in said
    assert dump(flowise) == before


@pytest.mark.parametrize("name", ["executions", "leases", "event_ticks", "flowise_left_out"])
def test_tables_of_others_with_names_that_the_gateway_needs_are_refused(
    name: str, flowise: Place
) -> None:
    run_sql(flowise, f"CREATE TABLE {name} AS SELECT 'keep me' AS note")
    before = dump(flowise)
    for command in (["attach"], ["attach", "--check"]):
        said = _said(flowise, *command, status=1)
        assert f"has a table {name} that is not the gateway's" in said
    assert dump(flowise) == before


@pytest.mark.parametrize(
    ("kind", "name", "made"),
    [
        (
            "trigger",
            "Flowise_Execution_Deleted",
            "AFTER DELETE ON execution BEGIN SELECT 1; END",
        ),
        ("trigger", "flowise_audit", "AFTER DELETE ON Execution BEGIN SELECT 1; END"),
        ("trigger", "executions_created", "AFTER DELETE ON chat_flow BEGIN SELECT 1; END"),
        ("index", "executions_by_error", "ON chat_flow (name)"),
        ("view", "Counted_Executions", "AS SELECT 1 AS a"),
        ("view", "flowise_attachment", "AS SELECT 1 AS a"),
        ("table", "flowise_attachment", "(note)"),
    ],
)
@pytest.mark.sqlite
def test_whatever_has_a_name_that_the_gateway_needs_is_refused(
    tmp_path: Path, kind: str, name: str, made: str
) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    run_sql(place, f"CREATE {kind} {name} {made}")
    before = dump(place)
    for command in (["attach", "--check"], ["attach"]):
        said = _said(place, *command, status=1)
        assert f"has a {kind} {name} that is not the gateway's" in said
    assert dump(place) == before
    assert run_sql(place, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("view", "AS SELECT guid FROM executions"),
        ("view", "AS SELECT flowise AS n FROM Flowise_Attachment"),
        ("trigger", "AFTER DELETE ON chat_flow BEGIN DELETE FROM agentflows; END"),
        ("table", "(guid text REFERENCES executions (guid))"),
    ],
)
@pytest.mark.sqlite
def test_detaching_is_refused_while_something_of_others_depends_on_the_gateways_tables(
    flowise: Place, kind: str, made: str
) -> None:
    run_sql(flowise, "CREATE VIEW counts AS SELECT count(*) AS executions FROM execution")
    run_sql(flowise, "CREATE VIEW broken AS SELECT * FROM nowhere")
    _said(flowise, "attach")
    run_sql(flowise, f"CREATE {kind} mine {made}")
    before = dump(flowise)
    said = _said(flowise, "detach", "--yes", status=1)
    assert f"depends on the gateway's tables: {kind} mine. Nothing was removed" in said
    assert dump(flowise) == before
    run_sql(flowise, f"DROP {kind} mine")
    assert "Detached" in _said(flowise, "detach", "--yes")


@pytest.mark.parametrize(
    ("newer", "said"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "its revision is 9999, and this"),
        ("UPDATE flowise_attachment SET format = 9", "in format 9, and this version knows 1"),
    ],
)
def test_a_newer_gateways_database_is_refused(newer: str, said: str, flowise: Place) -> None:
    _said(flowise, "attach")
    run_sql(flowise, newer)
    before = dump(flowise)
    for command in (["attach"], ["attach", "--check"], ["detach", "--yes"]):
        assert said in _said(flowise, *command, status=1)
    served = run("serve", "--port", "0", "--database", flowise.url)
    assert served.returncode != 0
    assert "newer" in served.stderr
    assert dump(flowise) == before


@pytest.mark.postgres
def test_a_role_that_lacks_rights_is_refused_by_name(flowise: Place) -> None:
    assert isinstance(flowise, PostgresPlace)
    user = flowise.server.role("flowise_reader")
    run_sql(flowise, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    before = dump(flowise)
    url = flowise.url.replace("postgres@", f"{user}@", 1)
    status, said = _ran("attach", "flowise", "--database", url)
    assert status == 1
    assert f"The role '{user}' may not create tables in the schema 'public'" in said
    run_sql(flowise, f"GRANT CREATE ON SCHEMA public TO {user}")
    _, said = _ran("attach", "flowise", "--database", url)
    assert "GRANT UPDATE, DELETE, TRIGGER ON execution" in said
    run_sql(flowise, f"REVOKE CREATE ON SCHEMA public FROM {user}")
    assert dump(flowise) == before


def test_other_executions_can_not_be_added_to_an_attached_database(
    flowise: Place, tmp_path: Path
) -> None:
    _said(flowise, "attach")
    before = run_sql(flowise, "SELECT * FROM executions ORDER BY id")
    file = tmp_path / "rows.jsonl"
    file.write_text('{"guid": "a", "agentflow_id": "f", "state": "ERROR", "created_on": 1}\n')
    for command in (("import", str(file)), ("serve", "--port", "0", "--demo", "5")):
        status, said = _ran(*command, "--database", flowise.url)
        assert status == 1
        assert "database of a Flowise" in said
    assert run_sql(flowise, "SELECT * FROM executions ORDER BY id") == before


def test_the_gateways_tables_come_beside_flowises_by_attaching_alone(flowise: Place) -> None:
    before = dump(flowise)
    commands = (["migrate"], ["keys", "create", "a", "--scope", "read"], ["serve", "--port", "0"])
    for command in commands:
        status, said = _ran(*command, "--database", flowise.url)
        assert status == 1
        assert "attach it first, with `attach flowise`" in said
    assert dump(flowise) == before


def test_tables_beside_flowises_that_were_never_attached_can_be_removed(flowise: Place) -> None:
    before = dump(flowise)
    _migrate(flowise)
    for guid in (run_id(flowise, 1), "mine"):
        run_sql(
            flowise,
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            f" VALUES ('{guid}', 'flow', 'ERROR', 1)",
        )
    said = _said(flowise, "detach", "--yes", status=1)
    assert "executions that Flowise does not know, such as 'mine'" in said
    run_sql(flowise, "DELETE FROM executions WHERE guid = 'mine'")
    assert "Detached" in _said(flowise, "detach", "--yes")
    assert dump(flowise) == before


def test_pruning_an_attached_database_says_that_flowise_loses_executions(flowise: Place) -> None:
    _said(flowise, "attach")
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = '2020-01-01 00:00:00'")
    _, said = _ran("prune", "--older-than", "30d", "--database", flowise.url)
    assert "what is deleted is deleted in Flowise, too" in said
    assert "Deleted 4 executions" in said
    assert rows(flowise) == [(run_id(flowise, 2), "INPROGRESS")]


@pytest.mark.sqlite
def test_a_file_is_attached_with_all_rows_and_no_more_rights(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "database.sqlite")
    place.path.write_bytes(DATA.read_bytes())
    file_of(place).chmod(0o644)
    assert "Attached: 200 executions and 40 agentflows" in _said(place, "attach")
    assert place.path.stat().st_mode & 0o777 == 0o644
