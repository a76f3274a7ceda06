"""A lock on a file beside a database's, which costs the database no write."""

import contextlib
import fcntl
import os
from pathlib import Path

_ATTEMPTS = 3


class FileLock:
    """An empty file that one holder on this machine has locked, and that is gone afterwards.

    It ends with its process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock, unless it is held already; return False if somebody else has it.

        Raises OSError if the file can't be made.
        """
        if self._file is not None and self._is_path_of(self._file):
            return True
        self.release()
        for _ in range(_ATTEMPTS):
            file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            # Whoever had it may have removed the file since it was opened.
            if self._is_path_of(file):
                self._file = file
                return True
            os.close(file)
        return False

    def release(self) -> None:
        """Give the lock to others, if it is held."""
        file, self._file = self._file, None
        if file is None:
            return
        if self._is_path_of(file):
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(file)

    def _is_path_of(self, file: int) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(file))
