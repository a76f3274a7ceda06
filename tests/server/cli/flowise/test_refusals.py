"""What is refused, by name, with nothing changed."""

import sqlite3
from pathlib import Path

import pytest

from tests.flowise_dump import dump
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.server.cli.flowise.commands import DATA, migrate, ran, said_by
from tests.server.cli.program import run


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
    status, printed = ran(command, "flowise", *arguments)
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
    _, said = ran("attach", "flowise")
    assert f"--database sqlite:///{tmp_path}/.flowise/database.sqlite" in said


def test_executions_of_the_gateways_own_are_not_given_to_flowise(flowise: Place) -> None:
    migrate(flowise)
    run_sql(
        flowise,
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('mine', 'flow', 'FINISHED', 1)",
    )
    before = dump(flowise)
    said = said_by(flowise, "attach", status=1)
    assert "rows that Flowise does not know, such as 'mine'" in said
    assert dump(flowise) == before


@pytest.mark.parametrize("name", ["executions", "leases", "event_ticks", "flowise_left_out"])
def test_tables_of_others_with_names_that_the_gateway_needs_are_refused(
    name: str, flowise: Place
) -> None:
    run_sql(flowise, f"CREATE TABLE {name} AS SELECT 'keep me' AS note")
    before = dump(flowise)
    for command in (["attach"], ["attach", "--check"]):
        said = said_by(flowise, *command, status=1)
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
        said = said_by(place, *command, status=1)
        assert f"has a {kind} {name} that is not the gateway's" in said
    assert dump(place) == before
    assert run_sql(place, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize(
    ("newer", "said"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "its revision is 9999, and this"),
        ("UPDATE flowise_attachment SET format = 9", "in format 9, and this version knows 1"),
    ],
)
def test_a_newer_gateways_database_is_refused(newer: str, said: str, flowise: Place) -> None:
    said_by(flowise, "attach")
    run_sql(flowise, newer)
    before = dump(flowise)
    for command in (["attach"], ["attach", "--check"], ["detach", "--yes"]):
        assert said in said_by(flowise, *command, status=1)
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
    status, said = ran("attach", "flowise", "--database", url)
    assert status == 1
    assert f"The role '{user}' may not create tables in the schema 'public'" in said
    run_sql(flowise, f"GRANT CREATE ON SCHEMA public TO {user}")
    _, said = ran("attach", "flowise", "--database", url)
    assert "GRANT UPDATE, DELETE, TRIGGER ON execution" in said
    run_sql(flowise, f"REVOKE CREATE ON SCHEMA public FROM {user}")
    assert dump(flowise) == before


def test_other_executions_can_not_be_added_to_an_attached_database(
    flowise: Place, tmp_path: Path
) -> None:
    said_by(flowise, "attach")
    before = run_sql(flowise, "SELECT * FROM executions ORDER BY id")
    file = tmp_path / "rows.jsonl"
    file.write_text('{"guid": "a", "agentflow_id": "f", "state": "ERROR", "created_on": 1}\n')
    for command in (("import", str(file)), ("serve", "--port", "0", "--demo", "5")):
        status, said = ran(*command, "--database", flowise.url)
        assert status == 1
        assert "database of a Flowise" in said
    assert run_sql(flowise, "SELECT * FROM executions ORDER BY id") == before


def test_the_gateways_tables_come_beside_flowises_by_attaching_alone(flowise: Place) -> None:
    before = dump(flowise)
    commands = (["migrate"], ["keys", "create", "a", "--scope", "read"], ["serve", "--port", "0"])
    for command in commands:
        status, said = ran(*command, "--database", flowise.url)
        assert status == 1
        assert "attach it first, with `attach flowise`" in said
    assert dump(flowise) == before
