"""What a revision does is what it did when it was released, whatever it is made of."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from db.migrations.revisions import run_revisions
from db.opening import open_database
from tests.places import Server, SQLitePlace

_DIGESTS = {
    "0001": ("2f0040822adf855c", "87fb822a9631e6af"),
    "0002": ("eabd73e7480bba28", "2e40d6da8fe0c656"),
    "0003": ("9acaa1ff582d59aa", "c4e5cb92a8fe9274"),
    "0004": ("e3b0c44298fc1c14", "4beb1f9b7b59a133"),
    "0005": ("f57789a8dcd18b34", "236e02178138c35b"),
    "0006": ("e3b0c44298fc1c14", "1108f5f9fa8ed3d3"),
    "0007": ("311e8f2223e3cd34", "d17378c01c3f8c0a"),
    "0008": ("4640758206fa7539", "37b507cae38025af"),
    "0009": ("549c267e6ad729cc", "aa1825b8dd643d16"),
    "0010": ("aa94acd9d23563e3", "4ea72f308933e5aa"),
}
"""Digests of what each released revision runs on SQLite and on PostgreSQL.

A revision is added to them when it is released.
"""


def _digests(connection: Connection) -> dict[str, str]:
    """Run all released revisions, and return a digest of the statements of each."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        # What Alembic does is its own affair, and what is only read changes nothing.
        is_read = statement.lstrip().startswith(("SELECT", "PRAGMA"))
        if "alembic_version" not in statement and not is_read:
            statements.append(" ".join(statement.split()))

    event.listen(connection, "before_cursor_execute", note)
    digests: dict[str, str] = {}
    current: str | None = None
    for revision in sorted(_DIGESTS):
        statements.clear()
        run_revisions(connection, current, revision)
        digests[revision] = hashlib.sha256("\n".join(statements).encode()).hexdigest()[:16]
        current = revision
    return digests


async def _run(url: str) -> dict[str, str]:
    database = open_database(url)
    try:
        return await database.transact(lambda connection: connection.run_sync(_digests))
    finally:
        await database.close()


def test_revisions_do_what_they_did_when_they_were_released(server: Server, tmp_path: Path) -> None:
    place = server.new(tmp_path)
    try:
        digests = asyncio.run(_run(place.url))
    finally:
        server.drop(place)
    kind = 0 if isinstance(place, SQLitePlace) else 1
    changed = {
        revision: digest
        for revision, digest in digests.items()
        if digest != _DIGESTS[revision][kind]
    }
    assert not changed, (
        f"These revisions run other statements than when they were released: {changed}. A database "
        "that has run one of them does not run it again: give what it uses (see its imports) back "
        "its text, and make the change in a new revision"
    )
