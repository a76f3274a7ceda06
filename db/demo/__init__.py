"""Fill an empty database with demo executions: the runs of a team's agentflows in 90 days.

``traffic`` says when they begin, ``agentflows`` what runs, ``incidents`` when much goes wrong,
``runs`` how each ends, and ``recordings`` what its engine recorded. The same count and moment make
the same executions.
"""

from collections.abc import Callable

from db.database import Database
from db.demo.runs import demo_executions
from db.executions import Executions
from db.instants import now_ms
from db.writing.loading import load


async def fill_if_empty(
    database: Database,
    count: int,
    on_made: Callable[[int], object] | None = None,
    now: int | None = None,
) -> int:
    """Fill an empty database with ``count`` executions of the 90 days before ``now``.

    Calls ``on_made`` with the number of executions in each batch. Returns how many were made, which
    is none if the database is not empty.
    """
    if count < 1 or await Executions(database).count():
        return 0
    made = 0

    def on_progress(loaded: int) -> None:
        nonlocal made
        if on_made:
            on_made(loaded - made)
        made = loaded

    return await load(database, demo_executions(count, now or now_ms()), on_progress)
