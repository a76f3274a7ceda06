"""A pgbouncer in transaction mode between a gateway and a test's own PostgreSQL."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.programs import wait_until
from tests.places import PostgresPlace, PostgresServer

NEEDED = "pgbouncer is missing: install it (on Debian: apt-get install pgbouncer)"
MISSING = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None
SERVER_CONNECTIONS = 2
"""Fewer than clients have, so that each transaction may be in another session."""

_SETTINGS = """
[databases]
* = host={folder}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
{more}
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def pooled(place: PostgresPlace, **files: bytes) -> Iterator[PostgresPlace]:
    """The same database, reached through a pooler until the block ends.

    ``files`` are written beside its settings, which name each of them as that setting.
    """
    server: PostgresServer = place.server
    with tempfile.TemporaryDirectory(prefix="gateway-pgbouncer-", dir="/tmp") as name:
        folder, port = Path(name), _free_port()
        folder.chmod(0o755)
        (folder / "users").write_text('"postgres" ""\n', "ascii")
        for setting, content in files.items():
            (folder / setting).write_bytes(content)
        more = [f"{setting} = {folder / setting}" for setting in files]
        if files:
            more.append("client_tls_sslmode = require")
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                folder=server.socket.parent,
                port=port,
                users=folder / "users",
                connections=SERVER_CONNECTIONS,
                more="\n".join(more),
            ),
            "ascii",
        )
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, NEEDED
        process = subprocess.Popen(
            [program, "-q", str(settings)], user=server.system_user, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: _listens(port))
            reached = PostgresPlace(server, place.name)
            reached.url = f"postgresql://postgres@127.0.0.1:{port}/{place.name}"
            yield reached
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
