"""Gateways learn that their database is attached, and keep both sides equal."""

import contextlib
import itertools
import logging
import sqlite3
import threading
from typing import Any

import anyio
import pytest

from db.flowise.attachment import Attachment
from db.flowise.postgres_sides import PostgresSides
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.watch_turn import WatchTurn
from db.leases import Lease
from db.migrations.upgrade import upgrade
from db.opening import open_database
from db.sqlite.file_lock import FileLock
from server.access import authentication
from server.operation import attachment_watch, maintenance
from tests.faults.programs import wait_until
from tests.flowise_tables import WORKSPACES, add_executions, add_flows, id_of, run_id
from tests.gateway import Gateway, bearer, make_key, run_sql, running_gateway
from tests.places import Place, SQLitePlace

FLOW = "flow-a"
_NOTICED_WITHIN = (
    attachment_watch.CHECK_SECONDS
    + attachment_watch.LONGEST_SETTLE_SECONDS
    + attachment_watch.SETTLE_SECONDS
)


@pytest.fixture
def flowise(flowise: Place) -> Place:
    """A database of Flowise's with three executions."""
    add_flows(flowise, {FLOW: "Support"})
    add_executions(flowise, ({"id": f"run-{number}", "agentflowId": FLOW} for number in range(3)))
    return flowise


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("NATIVE_PAUSE", "ATTACHED_PAUSE", "CHECK_SECONDS", "SETTLE_SECONDS"):
        monkeypatch.setattr(attachment_watch, pause, 0.02)
    monkeypatch.setattr(attachment_watch.AttachmentWatch, "longest_failure_pause", 0.02)


async def _always(_: object, **_options: float) -> bool:
    return True


def _attachment(place: Place, method: str) -> None:
    async def run() -> None:
        database = open_database(place.url)
        try:
            if method == "migrate":
                await upgrade(database)
            elif method == "attach":
                await Attachment(database).attach(lambda _: None)
            else:
                await Attachment(database).detach()
        finally:
            await database.close()

    anyio.run(run)


def _described(gateway: Gateway) -> dict[str, Any] | None:
    """What ``/readyz`` says of Flowise."""
    answer = gateway.http.get("/readyz")
    assert answer.status_code == 200
    described: dict[str, Any] | None = answer.json().get("flowise")
    return described


def _counts(gateway: Gateway) -> tuple[int, int, int]:
    described = _described(gateway)
    if described is None:
        return (-1, -1, -1)
    assert set(described["executions"]) == {"isEqual", "difference", "countedOn"}
    difference = described["executions"]["difference"]
    assert described["executions"]["isEqual"] == (difference == 0)
    flowise, ours = (
        int(_metric(gateway, f'gateway_attached_executions{{side="{side}"}}'))
        for side in ("flowise", "gateway")
    )
    return flowise, ours, difference


def _guids(gateway: Gateway) -> set[str]:
    return {row["guid"] for row in gateway.http.get("/executions").json()}


def _metric(gateway: Gateway, name: str) -> float:
    [line] = [
        line for line in gateway.http.get("/metrics").text.splitlines() if line.startswith(name)
    ]
    return float(line.split()[-1])


def _without_triggers(place: Place, *statements: str) -> None:
    """Drop the triggers on Flowise's tables, as a migration may, and write in one transaction."""
    if isinstance(place, SQLitePlace):
        with contextlib.closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                " AND tbl_name IN ('execution', 'chat_flow')"
            ).fetchall()
            assert found
            for statement in (*(f"DROP TRIGGER {name}" for (name,) in found), *statements):
                connection.execute(statement)
            connection.execute("COMMIT")
        return
    found = run_sql(
        place,
        "SELECT tgname::text, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        " AND tgrelid IN ('execution'::regclass, 'chat_flow'::regclass)",
    )
    assert found
    drops = (f"DROP TRIGGER {name} ON {table}" for name, table in found)
    run_sql(place, f"DO $$ BEGIN {'; '.join((*drops, *statements))}; END $$")


def _adding(place: Place, number: int) -> str:
    """The statement that adds an execution, as ``add_executions`` does."""
    return (
        'INSERT INTO execution ("id", "executionData", "state", "agentflowId", "sessionId")'
        f" VALUES ('{run_id(place, number)}', '[]', 'FINISHED', '{id_of(place, FLOW)}', 's')"
    )


def test_a_gateway_learns_that_its_database_was_attached(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    _attachment(flowise, "migrate")
    with running_gateway(flowise) as gateway:
        assert _described(gateway) is None
        assert _guids(gateway) == set()
        assert "is not attached: its executions are not seen" in caplog.text
        _attachment(flowise, "attach")
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        assert _guids(gateway) == {run_id(flowise, 0), run_id(flowise, 1), run_id(flowise, 2)}


@pytest.mark.sqlite
def test_beside_an_attached_file_an_idle_gateway_commits_nothing(
    flowise: SQLitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_RECORD_USE_AFTER", 0.02)
    monkeypatch.setattr(maintenance, "_LONGEST_PAUSE", 0.02)
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = '2020-01-01 00:00:00'")
    _attachment(flowise, "attach")
    key = make_key(flowise, "read")
    with (
        running_gateway(flowise, auth="keys", retention="90d", retention_keep_last=3) as gateway,
        contextlib.closing(sqlite3.connect(flowise.path)) as other,
    ):
        gateway.http.headers.update(bearer(key))

        def counted_on() -> object:
            return (_described(gateway) or {})["executions"]["countedOn"]

        def version() -> object:
            return other.execute("PRAGMA data_version").fetchone()

        last, before = counted_on(), version()

        def is_counted_again() -> bool:
            return counted_on() != last

        for _ in range(10):
            assert len(_guids(gateway)) == 3
            wait_until(is_counted_again)
            last = counted_on()
        assert version() == before
        gateway.sql("UPDATE executions SET state = 'TIMEOUT'")
        wait_until(lambda: version() != before)


@pytest.mark.sqlite
def test_beside_a_file_whose_folder_can_not_be_written_both_sides_are_kept_equal(
    flowise: SQLitePlace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_lock: FileLock) -> bool:
        raise PermissionError

    _attachment(flowise, "attach")
    monkeypatch.setattr(FileLock, "acquire", refuse)
    with running_gateway(flowise) as gateway:
        gateway.sql("UPDATE executions SET state = 'TIMEOUT'")
        find = "SELECT DISTINCT state FROM execution"
        wait_until(lambda: gateway.sql(find) == [("TIMEOUT",)])
    [warning] = [record for record in caplog.records if "can't know" in record.getMessage()]
    assert warning.levelname == "WARNING"


def test_a_gateway_whose_tables_are_gone_says_so_and_little_else(
    flowise: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_runs(_: WatchTurn) -> None:
        pass

    _attachment(flowise, "attach")
    monkeypatch.setattr(WatchTurn, "acquire_alone", nobody_runs)
    monkeypatch.setattr(authentication, "_REREAD_AFTER", 0.001)
    monkeypatch.setattr(Lease, "acquire", _always)
    with running_gateway(flowise, auth="keys"):
        _attachment(flowise, "detach")

        def told() -> list[str]:
            return [record.getMessage() for record in caplog.records]

        wait_until(lambda: any("tables are gone" in message for message in told()))
        wait_until(lambda: sum("api_keys" in message for message in told()) > 5)
        assert sum("api_keys" in message for message in told()) < 20


def test_the_counts_are_those_of_the_start(flowise: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def do_nothing(_: object) -> None:
        pass

    monkeypatch.setattr(attachment_watch.AttachmentWatch, "_round", do_nothing)
    _attachment(flowise, "attach")
    add_executions(flowise, [{"id": "run-3", "agentflowId": FLOW}])
    with running_gateway(flowise) as gateway:
        assert _counts(gateway) == (4, 4, 0)


def test_a_change_reaches_flowise_whoever_makes_it(flowise: Place) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        gateway.sql(f"UPDATE executions SET state = 'TIMEOUT' WHERE guid = '{run_id(flowise, 0)}'")
        gateway.sql(f"DELETE FROM executions WHERE guid = '{run_id(flowise, 1)}'")
        wanted = {run_id(flowise, 0): "TIMEOUT", run_id(flowise, 2): "FINISHED"}
        find = 'SELECT CAST("id" AS text), "state" FROM execution'
        wait_until(lambda: dict(gateway.sql(find)) == wanted)


def _contents(gateway: Gateway) -> dict[str, Any]:
    found = gateway.graphql("{ executions { nodes { guid data steps { nodeId error } } } }")
    return {
        node["guid"]: (node["data"], [step["error"] for step in node["steps"]])
        for node in found["executions"]["nodes"]
    }


def test_contents_are_flowises_own_and_else_the_gateways(flowise: Place) -> None:
    step = '[{"nodeId": "agent", "status": "ERROR", "data": {"error": "No such model"}}]'
    run_sql(
        flowise,
        f"UPDATE execution SET \"executionData\" = '{step}', state = 'ERROR'"
        f" WHERE id = '{run_id(flowise, 0)}'",
    )
    _attachment(flowise, "attach")
    run_sql(
        flowise,
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('no uuid', 'flow', 'FINISHED', 1)",
    )
    run_sql(
        flowise,
        "INSERT INTO execution_data (execution_id, data)"
        " SELECT id, '[]' FROM executions WHERE guid = 'no uuid'",
    )
    with running_gateway(flowise) as gateway:
        found = _contents(gateway)
        assert found["no uuid"] == ([], [])
        assert found[run_id(flowise, 1)] == ([], [])
        data, errors = found[run_id(flowise, 0)]
        assert data[0]["nodeId"] == "agent"
        assert errors == ["No such model"]


def test_a_key_of_a_workspace_sees_its_contents_alone(flowise: Place) -> None:
    for number, workspace in enumerate(WORKSPACES):
        run_sql(
            flowise,
            f"UPDATE execution SET \"workspaceId\" = '{id_of(flowise, workspace)}',"
            f" \"executionData\" = '[{number}]' WHERE id = '{run_id(flowise, number)}'",
        )
    _attachment(flowise, "attach")
    key = make_key(flowise, "read", workspace=id_of(flowise, WORKSPACES[0]))
    with running_gateway(flowise, auth="keys") as gateway:
        gateway.http.headers.update(bearer(key))
        assert _contents(gateway) == {run_id(flowise, 0): ([0], [])}


def test_triggers_that_a_migration_has_dropped_are_installed_again(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as gateway, caplog.at_level(logging.WARNING, "gateway.flowise"):
        gone = f"DELETE FROM execution WHERE id = '{run_id(flowise, 0)}'"
        _without_triggers(flowise, _adding(flowise, 3), gone)
        wanted = {run_id(flowise, 1), run_id(flowise, 2), run_id(flowise, 3)}
        wait_until(lambda: _guids(gateway) == wanted)
        wait_until(lambda: _metric(gateway, "gateway_attachment_repairs_total") == 1)
        add_executions(flowise, [{"id": "run-4", "agentflowId": FLOW}])
        assert _guids(gateway) == wanted | {run_id(flowise, 4)}
    missing, mended = [record.getMessage() for record in caplog.records][-2:]
    assert "are missing" in missing
    assert "1 executions were missing" in mended
    assert "1 were unknown to Flowise" in mended


def test_missing_triggers_are_noticed_within_a_minute() -> None:
    assert _NOTICED_WITHIN < 60


def test_triggers_that_were_dropped_while_no_gateway_ran_are_installed_at_the_start(
    flowise: Place,
) -> None:
    _attachment(flowise, "attach")
    _without_triggers(flowise, _adding(flowise, 3))
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (4, 4, 0))
        assert len(_guids(gateway)) == 4


@pytest.mark.sqlite
def test_triggers_are_installed_though_migrations_come_to_no_end(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()

    async def version(_: SQLiteSides) -> int:
        return next(looks)

    monkeypatch.setattr(SQLiteSides, "version", version)
    monkeypatch.setattr(attachment_watch, "LONGEST_SETTLE_SECONDS", 0.1)
    _attachment(flowise, "attach")
    _without_triggers(flowise, _adding(flowise, 3))
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (4, 4, 0))


@pytest.mark.sqlite
def test_triggers_are_not_installed_while_migrations_run(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit between two statements of a migration fails it, and Flowise does not start."""
    _attachment(flowise, "attach")
    looks = itertools.count()
    asked, has_ended = [], threading.Event()

    async def version(_: SQLiteSides) -> int:
        asked.append(1 if has_ended.is_set() else next(looks))
        return asked[-1]

    monkeypatch.setattr(SQLiteSides, "version", version)
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        _without_triggers(flowise, _adding(flowise, 3))
        wait_until(lambda: len(asked) >= 5)
        assert _guids(gateway) == {run_id(flowise, number) for number in range(3)}
        has_ended.set()
        wait_until(lambda: len(_guids(gateway)) == 4)


def test_one_of_several_gateways_repairs(flowise: Place) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as one, running_gateway(flowise) as other:
        wait_until(lambda: _described(one) is not None and _described(other) is not None)
        _without_triggers(flowise, _adding(flowise, 3))
        wait_until(lambda: _counts(one) == _counts(other) == (4, 4, 0))
        name = "gateway_attachment_repairs_total"
        assert _metric(one, name) + _metric(other, name) == 1


def test_what_was_written_around_the_triggers_is_told(flowise: Place) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES ('unknown to Flowise', 'flow', 'FINISHED', 1)"
        )
        wait_until(lambda: _counts(gateway) == (3, 4, -1))
        assert _metric(gateway, "gateway_attachment_difference") == 1
        assert _metric(gateway, 'gateway_attached_executions{side="gateway"}') == 4
        _attachment(flowise, "attach")
        wait_until(lambda: _counts(gateway) == (3, 3, 0))


def test_what_a_newer_version_has_made_meanwhile_is_left_alone(flowise: Place) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        run_sql(flowise, "UPDATE flowise_attachment SET format = 9")
        wait_until(lambda: "in format 9" in (_described(gateway) or {}).get("problem", ""))
        _without_triggers(flowise, _adding(flowise, 3))
        counted = gateway.sql("SELECT count(*) FROM executions")
        assert len(_guids(gateway)) == 3
        run_sql(flowise, "UPDATE flowise_attachment SET format = 1")
        wait_until(lambda: _counts(gateway) == (4, 4, 0))
    assert counted == [(3,)]


def test_a_break_while_copying_is_made_good_by_a_gateway(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        for kind in (SQLiteSides, PostgresSides):
            patch.setattr(kind, "copy_batch", fail)
        with pytest.raises(KeyboardInterrupt):
            _attachment(flowise, "attach")
    assert run_sql(flowise, "SELECT count(*) FROM executions") == [(0,)]
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        wait_until(lambda: "problem" not in (_described(gateway) or {}))


def test_a_gateway_goes_on_when_flowises_tables_are_gone(flowise: Place) -> None:
    _attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: _counts(gateway) == (3, 3, 0))
        run_sql(flowise, "ALTER TABLE chat_flow RENAME TO somewhere_else")
        wait_until(lambda: "no table chat_flow" in (_described(gateway) or {}).get("problem", ""))
        assert len(_guids(gateway)) == 3
        run_sql(flowise, "ALTER TABLE somewhere_else RENAME TO chat_flow")
        wait_until(lambda: "problem" not in (_described(gateway) or {}))


def test_retention_on_an_attached_database_is_logged_at_the_start(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    _attachment(flowise, "attach")
    with (
        caplog.at_level(logging.WARNING, "gateway.flowise"),
        running_gateway(flowise, retention="90d"),
    ):
        pass
    assert "deletes executions of Flowise too" in caplog.text
