"""Gateways learn that their database is attached, and keep both sides equal."""

import contextlib
import logging
import sqlite3
from typing import Any

import pytest

from db.flowise.watch_turn import WatchTurn
from db.leases import Lease
from db.sqlite.file_lock import FileLock
from server.access import authentication
from server.operation import attachment_watch, maintenance
from tests.faults.programs import wait_until
from tests.flowise_tables import WORKSPACES, add_executions, id_of, run_id
from tests.gateway import Gateway, bearer, make_key, run_sql, running_gateway
from tests.places import Place, SQLitePlace
from tests.server.operation.attachment.gateways import (
    FLOW,
    attachment,
    counts,
    described,
    guids,
    metric,
)


async def _always(_: object, **_options: float) -> bool:
    return True


def test_a_gateway_learns_that_its_database_was_attached(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    attachment(flowise, "migrate")
    with running_gateway(flowise) as gateway:
        assert described(gateway) is None
        assert guids(gateway) == set()
        assert "is not attached: its executions are not seen" in caplog.text
        attachment(flowise, "attach")
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        assert guids(gateway) == {run_id(flowise, 0), run_id(flowise, 1), run_id(flowise, 2)}


@pytest.mark.sqlite
def test_beside_an_attached_file_an_idle_gateway_commits_nothing(
    flowise: SQLitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_RECORD_USE_AFTER", 0.02)
    monkeypatch.setattr(maintenance, "_LONGEST_PAUSE", 0.02)
    run_sql(flowise, "UPDATE execution SET \"createdDate\" = '2020-01-01 00:00:00'")
    attachment(flowise, "attach")
    key = make_key(flowise, "read")
    with (
        running_gateway(flowise, auth="keys", retention="90d", retention_keep_last=3) as gateway,
        contextlib.closing(sqlite3.connect(flowise.path)) as other,
    ):
        gateway.http.headers.update(bearer(key))

        def counted_on() -> object:
            return (described(gateway) or {})["executions"]["countedOn"]

        def version() -> object:
            return other.execute("PRAGMA data_version").fetchone()

        last, before = counted_on(), version()

        def is_counted_again() -> bool:
            return counted_on() != last

        for _ in range(10):
            assert len(guids(gateway)) == 3
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

    attachment(flowise, "attach")
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

    attachment(flowise, "attach")
    monkeypatch.setattr(WatchTurn, "acquire_alone", nobody_runs)
    monkeypatch.setattr(authentication, "_REREAD_AFTER", 0.001)
    monkeypatch.setattr(Lease, "acquire", _always)
    with running_gateway(flowise, auth="keys"):
        attachment(flowise, "detach")

        def told() -> list[str]:
            return [record.getMessage() for record in caplog.records]

        wait_until(lambda: any("tables are gone" in message for message in told()))
        wait_until(lambda: sum("api_keys" in message for message in told()) > 5)
        assert sum("api_keys" in message for message in told()) < 20


def test_the_counts_are_those_of_the_start(flowise: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def do_nothing(_: object) -> None:
        pass

    monkeypatch.setattr(attachment_watch.AttachmentWatch, "_round", do_nothing)
    attachment(flowise, "attach")
    add_executions(flowise, [{"id": "run-3", "agentflowId": FLOW}])
    with running_gateway(flowise) as gateway:
        assert counts(gateway) == (4, 4, 0)


def test_a_change_reaches_flowise_whoever_makes_it(flowise: Place) -> None:
    attachment(flowise, "attach")
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
    attachment(flowise, "attach")
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
    attachment(flowise, "attach")
    key = make_key(flowise, "read", workspace=id_of(flowise, WORKSPACES[0]))
    with running_gateway(flowise, auth="keys") as gateway:
        gateway.http.headers.update(bearer(key))
        assert _contents(gateway) == {run_id(flowise, 0): ([0], [])}


def test_what_was_written_around_the_triggers_is_told(flowise: Place) -> None:
    attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES ('unknown to Flowise', 'flow', 'FINISHED', 1)"
        )
        wait_until(lambda: counts(gateway) == (3, 4, -1))
        assert metric(gateway, "gateway_attachment_difference") == 1
        assert metric(gateway, 'gateway_attached_executions{side="gateway"}') == 4
        attachment(flowise, "attach")
        wait_until(lambda: counts(gateway) == (3, 3, 0))


def test_retention_on_an_attached_database_is_logged_at_the_start(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    attachment(flowise, "attach")
    with (
        caplog.at_level(logging.WARNING, "gateway.flowise"),
        running_gateway(flowise, retention="90d"),
    ):
        pass
    assert "deletes executions of Flowise too" in caplog.text
