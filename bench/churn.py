"""Create, update and delete executions at a steady rate: a program of its own.

``python bench/churn.py DATABASE URL KEY RATE`` creates and deletes by SQL and updates through the
gateway, until its input ends; then it prints how many changes it has made. Each execution is
created once, updated once and deleted once, KEPT executions later.
"""

import sys
import threading
import time
from collections.abc import Callable

from changes import caller, guid_of, statements

KEPT = 300
INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES ('{guid}', 'flow-{flow}', 'session-{session}', 'INPROGRESS', 1700000000000)"
)
DELETE = "DELETE FROM executions WHERE guid = '{guid}'"


def main(database: str, url: str, key: str, rate: str) -> None:
    """Change executions until the input ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    made = 0
    pause = 3 / float(rate)
    with statements(database) as run, caller(url, key) as update:
        due = time.monotonic()
        number = 0
        while not ended.is_set():
            made += _turn(number, run, update)
            number += 1
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))
    print(made, flush=True)


def _turn(number: int, run: Callable[[str], object], update: Callable[[str], object]) -> int:
    """Create one, update the one before it and delete an older one; returns how many these were."""
    run(INSERT.format(guid=guid_of(number), flow=number % 20, session=number % 1000))
    if number:
        update(guid_of(number - 1))
    if number > KEPT:
        run(DELETE.format(guid=guid_of(number - KEPT - 1)))
    return 1 + (number > 0) + (number > KEPT)


if __name__ == "__main__":
    main(*sys.argv[1:])
