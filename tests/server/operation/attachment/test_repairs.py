"""Gateways mend what is missing of an attachment."""

import itertools
import logging
import threading

import pytest

from db.flowise.postgres_sides import PostgresSides
from db.flowise.sqlite_sides import SQLiteSides
from server.operation import attachment_watch
from tests.faults.programs import wait_until
from tests.flowise_tables import add_executions, run_id
from tests.gateway import run_sql, running_gateway
from tests.places import Place
from tests.server.operation.attachment.gateways import (
    FLOW,
    adding,
    attachment,
    counts,
    described,
    guids,
    metric,
    without_triggers,
)

_NOTICED_WITHIN = (
    attachment_watch.CHECK_SECONDS
    + attachment_watch.LONGEST_SETTLE_SECONDS
    + attachment_watch.SETTLE_SECONDS
)


def test_triggers_that_a_migration_has_dropped_are_installed_again(
    flowise: Place, caplog: pytest.LogCaptureFixture
) -> None:
    attachment(flowise, "attach")
    with running_gateway(flowise) as gateway, caplog.at_level(logging.WARNING, "gateway.flowise"):
        gone = f"DELETE FROM execution WHERE id = '{run_id(flowise, 0)}'"
        without_triggers(flowise, adding(flowise, 3), gone)
        wanted = {run_id(flowise, 1), run_id(flowise, 2), run_id(flowise, 3)}
        wait_until(lambda: guids(gateway) == wanted)
        wait_until(lambda: metric(gateway, "gateway_attachment_repairs_total") == 1)
        add_executions(flowise, [{"id": "run-4", "agentflowId": FLOW}])
        assert guids(gateway) == wanted | {run_id(flowise, 4)}
    missing, mended = [record.getMessage() for record in caplog.records][-2:]
    assert "are missing" in missing
    assert mended == (
        "Mended what had drifted between Flowise's tables and the gateway's (executions: 1 missing,"
        " 0 different, 1 unknown to Flowise; agentflows: 0 different)"
    )


def test_missing_triggers_are_noticed_within_a_minute() -> None:
    assert _NOTICED_WITHIN < 60


def test_triggers_that_were_dropped_while_no_gateway_ran_are_installed_at_the_start(
    flowise: Place,
) -> None:
    attachment(flowise, "attach")
    without_triggers(flowise, adding(flowise, 3))
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (4, 4, 0))
        assert len(guids(gateway)) == 4


@pytest.mark.sqlite
def test_triggers_are_installed_though_migrations_come_to_no_end(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()

    async def version(_: SQLiteSides) -> int:
        return next(looks)

    monkeypatch.setattr(SQLiteSides, "version", version)
    monkeypatch.setattr(attachment_watch, "LONGEST_SETTLE_SECONDS", 0.1)
    attachment(flowise, "attach")
    without_triggers(flowise, adding(flowise, 3))
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (4, 4, 0))


@pytest.mark.sqlite
def test_triggers_are_not_installed_while_migrations_run(
    flowise: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit between two statements of a migration fails it, and Flowise does not start."""
    attachment(flowise, "attach")
    looks = itertools.count()
    asked, has_ended = [], threading.Event()

    async def version(_: SQLiteSides) -> int:
        asked.append(1 if has_ended.is_set() else next(looks))
        return asked[-1]

    monkeypatch.setattr(SQLiteSides, "version", version)
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        without_triggers(flowise, adding(flowise, 3))
        wait_until(lambda: len(asked) >= 5)
        assert guids(gateway) == {run_id(flowise, number) for number in range(3)}
        has_ended.set()
        wait_until(lambda: len(guids(gateway)) == 4)


def test_one_of_several_gateways_repairs(flowise: Place) -> None:
    attachment(flowise, "attach")
    with running_gateway(flowise) as one, running_gateway(flowise) as other:
        wait_until(lambda: described(one) is not None and described(other) is not None)
        without_triggers(flowise, adding(flowise, 3))
        wait_until(lambda: counts(one) == counts(other) == (4, 4, 0))
        name = "gateway_attachment_repairs_total"
        assert metric(one, name) + metric(other, name) == 1


def test_what_a_newer_version_has_made_meanwhile_is_left_alone(flowise: Place) -> None:
    attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        run_sql(flowise, "UPDATE flowise_attachment SET format = 9")
        wait_until(lambda: "in format 9" in (described(gateway) or {}).get("problem", ""))
        without_triggers(flowise, adding(flowise, 3))
        counted = gateway.sql("SELECT count(*) FROM executions")
        assert len(guids(gateway)) == 3
        run_sql(flowise, "UPDATE flowise_attachment SET format = 1")
        wait_until(lambda: counts(gateway) == (4, 4, 0))
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
            attachment(flowise, "attach")
    assert run_sql(flowise, "SELECT count(*) FROM executions") == [(0,)]
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        wait_until(lambda: "problem" not in (described(gateway) or {}))


def test_a_gateway_goes_on_when_flowises_tables_are_gone(flowise: Place) -> None:
    attachment(flowise, "attach")
    with running_gateway(flowise) as gateway:
        wait_until(lambda: counts(gateway) == (3, 3, 0))
        run_sql(flowise, "ALTER TABLE chat_flow RENAME TO somewhere_else")
        wait_until(lambda: "no table chat_flow" in (described(gateway) or {}).get("problem", ""))
        assert len(guids(gateway)) == 3
        run_sql(flowise, "ALTER TABLE somewhere_else RENAME TO chat_flow")
        wait_until(lambda: "problem" not in (described(gateway) or {}))
