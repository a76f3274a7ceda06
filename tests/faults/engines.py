"""Programs that write executions at random, in all ways there are."""

import asyncio
import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TypeAlias

import asyncpg
import httpx

from tests import plain_http
from tests.faults.programs import graphql, start
from tests.places import Place, SQLitePlace

GUIDS = 150
FLOWS = 5
STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")
INSERT = "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on) VALUES "
UPSERT = (
    " ON CONFLICT (guid) DO UPDATE SET state = excluded.state, session_id = excluded.session_id"
)
UPDATE = """mutation ($guids: [ID!]!, $state: ExecutionState!) {
  updateExecutions(guids: $guids, input: {state: $state}) { affected }
}"""
UPDATE_MATCHING = """mutation ($flow: ID!, $state: ExecutionState!) {
  updateExecutionsMatching(filter: {agentflowId: {eq: $flow}}, input: {state: $state}, limit: 40) {
    affected
  }
}"""
DELETE = "mutation ($guids: [ID!]!) { deleteExecutions(guids: $guids) { affected } }"
DELETE_MATCHING = """mutation ($state: ExecutionState!) {
  deleteExecutionsMatching(filter: {state: {eq: $state}}, limit: 20) { affected }
}"""
Run: TypeAlias = Callable[[str], object]
# asyncpg reports a statement on a connection that a crash is about to close as an internal error.
_REFUSED = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


def call(url: str, chance: Random) -> None:
    """Change something through a gateway, by GraphQL or REST; it may be away."""
    guids, state = [_guid(chance) for _ in range(chance.randint(1, 8))], chance.choice(STATES)
    way = chance.randrange(8)
    if way < 3:
        graphql(url, UPDATE, guids=guids, state=state)
    elif way == 3:
        graphql(url, UPDATE_MATCHING, flow=_flow(chance), state=state)
    elif way == 4:
        graphql(url, DELETE, guids=guids)
    elif way == 5:
        graphql(url, DELETE_MATCHING, state=state)
    else:
        with contextlib.suppress(httpx.TransportError):
            address = f"{url}/executions/{guids[0]}"
            if way == 6:
                answer = plain_http.put(address, json={"state": state}, timeout=60)
            else:
                body = {"executionIds": guids}
                answer = httpx.request(
                    "DELETE", f"{url}/executions", json=body, timeout=60, verify=plain_http.NO_TLS
                )
            assert answer.status_code in {200, 404, 503}, answer.text


class Engine:
    """A program that writes with SQL, in transactions that it may roll back or leave open."""

    def __init__(self, place: Place, seed: int) -> None:
        self._place = place
        self._chance = Random(seed)
        self._is_sqlite = isinstance(place, SQLitePlace)

    def write(self) -> None:
        """Run some transactions over a connection of its own; the database may be away."""
        # What is refused, rolls back: rows that others have written or locked.
        with contextlib.suppress(*_REFUSED), _connected(self._place) as run:
            for _ in range(10):
                self._transact(run)
                # A writer that never pauses leaves no other program SQLite's lock.
                time.sleep(0.01)

    def _transact(self, run: Run) -> None:
        chance = self._chance
        run("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
        try:
            for _ in range(chance.randint(1, 4)):
                run(self._statement())
            if chance.random() < 0.1:
                # Others commit what began later.
                time.sleep(chance.random() / 5)
        except _REFUSED:
            run("ROLLBACK")
            return
        run("COMMIT" if chance.random() < 0.8 else "ROLLBACK")

    def _statement(self) -> str:
        chance = self._chance
        guid, other, state, flow = (
            _guid(chance),
            _guid(chance),
            chance.choice(STATES),
            _flow(chance),
        )
        of_one = f"WHERE guid = '{guid}'"
        statements = [
            f"{INSERT} {_values(chance, 1)}",
            f"{INSERT} {_values(chance, 5)} ON CONFLICT DO NOTHING",
            f"{INSERT} {_values(chance, 1)} {UPSERT}",
            f"{INSERT} {_values(chance, 1)} {UPSERT}",
            f"UPDATE executions SET state = '{state}' {of_one}",
            f"UPDATE executions SET state = '{state}' WHERE guid IN ('{guid}', '{other}')",
            f"UPDATE executions SET state = '{state}' WHERE agentflow_id = '{flow}'",
            f"UPDATE executions SET state = state WHERE agentflow_id = '{flow}'",
            f"UPDATE executions SET session_id = NULL, agentflow_id = '{flow}' {of_one}",
            f"UPDATE executions SET created_on = created_on + 1 {of_one}",
            f"UPDATE executions SET finished_on = 1700000000000, updated_on = 1 {of_one}",
            f"UPDATE executions SET guid = '{other}' {of_one}",
            f"DELETE FROM executions {of_one}",
            f"DELETE FROM executions WHERE state = '{state}' AND agentflow_id = '{flow}'",
        ]
        if self._is_sqlite:
            statements += [
                f"{INSERT.replace('INSERT', 'INSERT OR REPLACE')} {_values(chance, 3)}",
                f"{INSERT.replace('INSERT', 'INSERT OR IGNORE')} {_values(chance, 3)}",
                f"UPDATE OR REPLACE executions SET guid = '{other}' {of_one}",
            ]
        return chance.choice(statements)


def import_some(place: Place, folder: Path, chance: Random) -> None:
    """Import a file, which creates executions and updates others."""
    file = folder / f"{chance.random()}.csv"
    lines = [
        f"{_guid(chance)},{_flow(chance)},{chance.choice(STATES)},{1_700_000_000_000 + n}"
        for n in range(60)
    ]
    file.write_text("guid,agentflow_id,state,created_on\n" + "\n".join(lines))
    _run("import", str(file), "--database", place.url)


def prune(place: Place) -> None:
    """Delete the old ones but some of each agentflow."""
    _run("prune", "--older-than", "1d", "--keep-last", "12", "--database", place.url)


def _run(*command: str) -> None:
    with start(*command, errors=subprocess.DEVNULL) as running:
        running.communicate()


@contextlib.contextmanager
def _connected(place: Place) -> Iterator[Run]:
    if isinstance(place, SQLitePlace):
        # What an engine's transaction holds, a gateway must not wait for too long.
        opened = sqlite3.connect(place.path, timeout=60, isolation_level=None)
        with contextlib.closing(opened) as connection:
            yield connection.execute
        return
    with asyncio.Runner() as runner:
        server = runner.run(asyncpg.connect(place.url, timeout=60))
        try:
            yield lambda statement: runner.run(server.execute(statement))
        finally:
            server.terminate()


def _values(chance: Random, count: int) -> str:
    return ", ".join(
        f"('{_guid(chance)}', '{_flow(chance)}', 's-{chance.randrange(9)}',"
        f" '{chance.choice(STATES)}', {1_700_000_000_000 + chance.randrange(10**6)})"
        for _ in range(count)
    )


def _guid(chance: Random) -> str:
    return f"g-{chance.randrange(GUIDS)}"


def _flow(chance: Random) -> str:
    return f"flow-{chance.randrange(FLOWS)}"
