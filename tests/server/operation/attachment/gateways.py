"""What gateways of an attached database tell, and what others do to it meanwhile."""

import contextlib
import sqlite3
from typing import Any

import anyio

from db.flowise.attachment import Attachment
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.flowise_tables import id_of, run_id
from tests.gateway import Gateway, run_sql
from tests.places import Place, SQLitePlace

FLOW = "flow-a"


def attachment(place: Place, method: str) -> None:
    """Attach Flowise, detach it, or only ``migrate``, as the commands do."""

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


def described(gateway: Gateway) -> dict[str, Any] | None:
    """What ``/readyz`` says of Flowise."""
    answer = gateway.http.get("/readyz")
    assert answer.status_code == 200
    told: dict[str, Any] | None = answer.json().get("flowise")
    return told


def counts(gateway: Gateway) -> tuple[int, int, int]:
    """How many executions Flowise has, how many the gateway, and the difference; -1 if unknown."""
    told = described(gateway)
    if told is None:
        return (-1, -1, -1)
    assert set(told["executions"]) == {"isEqual", "difference", "countedOn"}
    difference = told["executions"]["difference"]
    assert told["executions"]["isEqual"] == (difference == 0)
    flowise, ours = (
        int(metric(gateway, f'gateway_attached_executions{{side="{side}"}}'))
        for side in ("flowise", "gateway")
    )
    return flowise, ours, difference


def guids(gateway: Gateway) -> set[str]:
    """What the gateway lists."""
    return {row["guid"] for row in gateway.http.get("/executions").json()}


def metric(gateway: Gateway, name: str) -> float:
    """The value of a metric that has one."""
    [line] = [
        line for line in gateway.http.get("/metrics").text.splitlines() if line.startswith(name)
    ]
    return float(line.split()[-1])


def without_triggers(place: Place, *statements: str) -> None:
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


def adding(place: Place, number: int) -> str:
    """The statement that adds an execution, as ``add_executions`` does."""
    return (
        'INSERT INTO execution ("id", "executionData", "state", "agentflowId", "sessionId")'
        f" VALUES ('{run_id(place, number)}', '[]', 'FINISHED', '{id_of(place, FLOW)}', 's')"
    )
