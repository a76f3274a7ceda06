"""Explain why a database can't be opened, for the person who starts the program.

The messages name paths, hosts and users, so print them on a terminal; never send them to clients.
"""

import asyncio
import os
import sqlite3
from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL

from db.errors import GatewayError
from db.opening import normalize_url
from db.postgres.opening import Options

_SECONDS = 5.0
_MAGIC = b"SQLite format 3\0"
_NAME_ANOTHER = "or name another file with --database sqlite:///FILE"


async def diagnose(url: str) -> str | None:
    """Return what is wrong with the database at a URL and what to do, or None if nothing is found.

    Creates and changes nothing. Tries to connect to PostgreSQL for at most five seconds.
    """
    try:
        parsed = normalize_url(url)
    except GatewayError as error:
        return error.message
    if parsed.get_backend_name() == "sqlite":
        return _diagnose_file(parsed.database or "")
    return await _diagnose_server(parsed)


def _diagnose_file(name: str) -> str | None:
    if name.startswith("file:"):
        return None
    path = Path(name).absolute()
    try:
        return _diagnose_folder(path) or (_diagnose_content(path) if path.exists() else None)
    except OSError as error:
        return f"{path} can't be opened: {error.strerror}; {_NAME_ANOTHER}"


def _diagnose_folder(path: Path) -> str | None:
    folder = path.parent
    if not folder.exists():
        return f"The folder {folder} does not exist; make it, {_NAME_ANOTHER}"
    if not folder.is_dir():
        return f"{folder} is a file and not a folder; move it, {_NAME_ANOTHER}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return (
            f"The folder {folder} can't be written by this user, and SQLite keeps its log beside "
            f"the file; grant the right to write, {_NAME_ANOTHER}"
        )
    return None


def _diagnose_content(path: Path) -> str | None:
    if path.is_dir():
        return f"{path} is a folder; name a file in it, such as sqlite:///{path.name}/executions.db"
    for right, verb in ((os.R_OK, "read"), (os.W_OK, "written")):
        if not os.access(path, right):
            return f"{path} can't be {verb} by this user; grant the right to, {_NAME_ANOTHER}"
    with path.open("rb") as file:
        header = file.read(len(_MAGIC))
    if header and header != _MAGIC:
        return f"{path} is not an SQLite database and was not changed; move it, {_NAME_ANOTHER}"
    return _diagnose_damage(path)


def _diagnose_damage(path: Path) -> str | None:
    try:
        connection = sqlite3.connect(path, timeout=0)
        try:
            connection.execute("PRAGMA schema_version").fetchall()
        finally:
            connection.close()
    except sqlite3.OperationalError:
        # Busy, or unreachable for now: the original error says so.
        return None
    except sqlite3.DatabaseError:
        return f"{path} is damaged or encrypted; put a backup in its place, {_NAME_ANOTHER}"
    return None


async def _diagnose_server(url: URL) -> str | None:
    # The folder of a Unix socket is given in the query of the URL.
    host = url.host or url.query.get("host") or "localhost"
    address = host if str(host).startswith("/") else f"{host}:{url.port or 5432}"
    options = Options(url, busy_timeout=_SECONDS, statement_timeout=None)
    try:
        connection = await options.connect()
    except asyncpg.InvalidCatalogNameError:
        return (
            f"PostgreSQL at {address} has no database {url.database}; "
            f"create it: createdb {url.database}"
        )
    except asyncpg.InvalidAuthorizationSpecificationError:
        return (
            f"PostgreSQL at {address} refuses the user {url.username or '(none given)'}; check the "
            "name and the password in --database (GATEWAY_DATABASE_URL)"
        )
    except TimeoutError:
        return f"PostgreSQL at {address} does not answer; check the host, the port and the firewall"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        return (
            f"PostgreSQL at {address} can't be reached ({reason}); start it, or check the host and "
            "the port in --database (GATEWAY_DATABASE_URL)"
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"PostgreSQL at {address} refuses the connection: {error}"
    await asyncio.shield(connection.close())
    return None
