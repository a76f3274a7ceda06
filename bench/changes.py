"""Change executions at a steady rate, by SQL and through a gateway by turns: a program of its own.

``python bench/changes.py DATABASE URL KEY TIMES FIRST COUNT RATE`` changes the state of the
executions ``g-FIRST`` and following, each once, and writes when it began with each of them (seconds
of the monotonic clock, as a double) into its place in the file TIMES.
"""

import asyncio
import http.client
import itertools
import json
import mmap
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

CALLERS = 8
"""How many changes may be on their way through the gateway at a time."""
UPDATE = (
    "mutation ($guid: ID!) { updateExecution(guid: $guid, input: {state: STOPPED}) { __typename } }"
)
STATEMENT = "UPDATE executions SET state = 'ERROR' WHERE guid = '{}'"


def guid_of(number: int) -> str:
    """Return the guid of an execution that is changed."""
    return f"g-{number:07}"


def main(database: str, url: str, key: str, times: str, first: int, count: int, rate: int) -> None:
    """Change executions until they have been changed, or this program is ended."""
    with Path(times).open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        began_at = memoryview(mapped).cast("d")
        start = time.monotonic()

        def begin(number: int) -> str:
            time.sleep(max(0, start + (number - first) / rate - time.monotonic()))
            began_at[number] = time.monotonic()
            return guid_of(number)

        # Even numbers by SQL, odd ones through the gateway.
        through_gateway = itertools.count(first + 1, 2)
        lock = threading.Lock()

        def call() -> None:
            with caller(url, key) as change:
                while True:
                    with lock:
                        number = next(through_gateway)
                    if number >= first + count:
                        return
                    change(begin(number))

        threads = [threading.Thread(target=call) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        with statements(database) as run:
            for number in range(first, first + count, 2):
                run(STATEMENT.format(begin(number)))
        for thread in threads:
            thread.join()
        began_at.release()


@contextmanager
def statements(database: str) -> Iterator[Callable[[str], object]]:
    """Provide a function that runs a statement, on a connection of its own."""
    if database.startswith("sqlite"):
        path = database.partition(":///")[2]
        with closing(sqlite3.connect(path, 60, isolation_level=None)) as connection:
            yield connection.execute
        return
    with asyncio.Runner() as runner:
        server = runner.run(asyncpg.connect(database))
        try:
            yield lambda statement: runner.run(server.execute(statement))
        finally:
            runner.run(server.close())


@contextmanager
def caller(url: str, key: str) -> Iterator[Callable[[str], object]]:
    """Provide a function that changes an execution through a gateway."""
    address = urlsplit(url)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)

    def change(guid: str) -> None:
        body = json.dumps({"query": UPDATE, "variables": {"guid": guid}})
        connection.request("POST", "/graphql", body, headers)
        answer = connection.getresponse().read()
        if b"UpdateExecutionSuccess" not in answer:
            raise RuntimeError(answer)

    with closing(connection):
        yield change


if __name__ == "__main__":
    main(*sys.argv[1:5], *map(int, sys.argv[5:]))  # type: ignore[call-arg]
