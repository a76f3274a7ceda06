"""Whether the file that connections were opened on is still the one that its path leads to.

Whoever has a file open can go on writing it after it was moved or deleted, and nobody would find
what was written. SQLite itself does not look.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

logger = logging.getLogger("gateway.database")

LOOK_EVERY = 0.5
"""How often the path is looked at, in seconds."""


class DatabaseFile:
    """The file of a database, which others may delete, move or replace at any time.

    ``on_lost`` is called once when the path leads elsewhere, or when the file is doubtful.
    Connections are opened after ``after`` has come to its end, and with it only on a file that is
    there.
    """

    def __init__(
        self, name: str, on_lost: Callable[[], object], after: asyncio.Future[None] | None
    ) -> None:
        self._name = name
        self._on_lost = on_lost
        self._after = after
        self._opened: tuple[int, int] | None = None
        self.is_doubtful = False
        """Whether its connections are to be opened anew, because of what one of them ran into."""
        self._timer: asyncio.TimerHandle | None = None

    async def name_to_open(self) -> str:
        """What SQLite is to open; it makes no file where one was before."""
        if self._after is not None:
            await asyncio.shield(self._after)
        return existing(self._name) if self._after or self._opened else self._name

    def opened(self) -> None:
        """A connection was opened; the first one says which file is meant."""
        if self._opened is None:
            self._opened = self._find()
            self._look_again()

    def is_there(self) -> bool:
        """Whether the path leads to the file that was opened; any thread may ask."""
        return self._opened is None or self._find() == self._opened

    def _find(self) -> tuple[int, int] | None:
        try:
            found = Path(self._name).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _look(self) -> None:
        if self.is_there() and not self.is_doubtful:
            self._look_again()
            return
        try:
            self._on_lost()
        except Exception:
            logger.exception("A file that was lost could not be let go of; it is tried again")
            self._look_again()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()


def create_private(name: str) -> None:
    """Create a file that its owner alone can read and write, unless there is one.

    SQLite itself makes files that everybody can read. It gives those that it makes beside one the
    mode of that one.
    """
    path = name
    if name.startswith("file:"):
        quoted, _, options = name.removeprefix("file:").partition("?")
        if "mode=" in options:
            return
        path = unquote(quoted)
    # What can't be created is told of by SQLite, which is about to open it.
    with contextlib.suppress(OSError):
        Path(path).resolve().touch(mode=0o600, exist_ok=False)


def existing(name: str) -> str:
    """A file that is not made when it is not there, as a URI of SQLite's."""
    return name if name.startswith("file:") else f"file:{quote(name)}?mode=rw"
