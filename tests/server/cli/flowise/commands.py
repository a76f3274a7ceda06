"""Running the commands, and what others do to the database meanwhile."""

from pathlib import Path

import anyio

from db.errors import GatewayError
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.flowise_tables import run_id
from tests.gateway import Gateway, run_sql
from tests.places import Place
from tests.server.cli.program import invoke

FLOW, GONE = "flow-a", "flow-gone"
DATA = Path(__file__).parents[3] / "data" / "flowise-3.1.4.sqlite"


def ran(*arguments: str) -> tuple[int, str]:
    """What a command printed, and its exit status."""
    try:
        ended = invoke(*arguments)
    except GatewayError as error:
        return 1, error.message
    return ended.exit_code, ended.output


def said_by(place: Place, *arguments: str, status: int = 0) -> str:
    """What a command about Flowise printed; it must end with ``status``."""
    command, *options = arguments
    ended, said = ran(command, "flowise", "--database", place.url, *options)
    assert ended == status, said
    return said


def migrate(place: Place) -> None:
    """Make the gateway's tables, as versions before attaching did."""

    async def migrate() -> None:
        database = open_database(place.url)
        await upgrade(database)
        await database.close()

    anyio.run(migrate)


def guids(gateway: Gateway) -> set[str]:
    """What the gateway lists."""
    return {row["guid"] for row in gateway.http.get("/executions").json()}


def set_state(place: Place, number: int, state: str) -> None:
    """Change an execution, as Flowise does."""
    run_sql(place, f"UPDATE execution SET state = '{state}' WHERE id = '{run_id(place, number)}'")
