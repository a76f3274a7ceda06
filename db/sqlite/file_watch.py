"""Watch whether the database's path still leads to the file that is open.

A process can go on writing a file that was moved or deleted, where nobody would find the writes.
SQLite itself does not check.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

logger = logging.getLogger("gateway.database")

CHECK_SECONDS = 0.5
"""The time between two checks of the path, in seconds."""


class DatabaseFile:
    """The file of a database, which others may delete, move or replace at any time.

    Calls ``on_moved`` once when the path leads elsewhere, or when ``must_reopen`` is set. Waits for
    ``after``, if given, before connections are opened, and then requires the file to exist.
    """

    def __init__(
        self, name: str, on_moved: Callable[[], object], after: asyncio.Future[None] | None
    ) -> None:
        self._name = name
        self._on_lost = on_moved
        self._after = after
        self._opened: tuple[int, int] | None = None
        self.must_reopen = False
        """Set when a connection met an error that only a new connection is rid of."""
        self._timer: asyncio.TimerHandle | None = None

    async def path_to_open(self) -> str:
        """Return the name to pass to SQLite; it creates no file if one existed before."""
        if self._after is not None:
            await asyncio.shield(self._after)
        return existing_file_uri(self._name) if self._after or self._opened else self._name

    def opened(self) -> None:
        """Remember the file of the first connection, and begin to watch it."""
        if self._opened is None:
            self._opened = self._find()
            self._schedule_check()

    def is_there(self) -> bool:
        """Whether the path leads to the file that was opened. Safe to call from any thread."""
        return self._opened is None or self._find() == self._opened

    def _find(self) -> tuple[int, int] | None:
        try:
            found = Path(self._name).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check(self) -> None:
        if self.is_there() and not self.must_reopen:
            self._schedule_check()
            return
        try:
            self._on_lost()
        except Exception:
            logger.exception("The moved database file could not be closed; trying again")
            self._schedule_check()

    def _schedule_check(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()


def create_private(name: str) -> None:
    """Create a file that only its owner can read and write, unless it exists.

    SQLite itself makes files that everybody can read. The files that it creates beside the database
    get the database's mode.
    """
    path = name
    if name.startswith("file:"):
        quoted, _, options = name.removeprefix("file:").partition("?")
        if "mode=" in options:
            return
        path = unquote(quoted)
    # SQLite is about to open the file and reports any error.
    with contextlib.suppress(OSError):
        Path(path).resolve().touch(mode=0o600, exist_ok=False)


def existing_file_uri(name: str) -> str:
    """Return the SQLite URI of a file, which opens it only if it exists."""
    return name if name.startswith("file:") else f"file:{quote(name)}?mode=rw"
