"""A lock on a file beside a database's, which costs the database no write."""

import contextlib
import fcntl
import os
import re
from pathlib import Path

_ATTEMPTS = 3
_FLAGS = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
"""A link could lead to a place where others may not make files."""
_LOCKS = Path("/proc/locks")
_LOCK = re.compile(r"^\d+: FLOCK +\w+ +\w+ ([1-9]\d*) \w+:\w+:(\d+) ", re.MULTILINE)


class FileLock:
    """An empty file that one holder on this machine has locked, and that is gone afterwards.

    If it ``is_shared``, any number of holders have it, and nobody has it alone meanwhile. It ends
    with its process, however that ends.
    """

    def __init__(self, path: Path, *, is_shared: bool = False) -> None:
        self._path = path
        self._kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock, unless it is held already; return False if somebody else has it.

        Raises OSError if the file can't be made, or is a symbolic link.
        """
        if self._file is not None and self._is_path_of(self._file):
            return True
        self.release()
        for _ in range(_ATTEMPTS):
            file = os.open(self._path, _FLAGS, 0o644)
            try:
                fcntl.flock(file, self._kind | fcntl.LOCK_NB)
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
                # Only who has it alone may remove it.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._path.unlink()
        os.close(file)

    def holders(self) -> list[int]:
        """Return the ids of the processes that have the lock, as far as the system tells."""
        try:
            inode = self._path.stat().st_ino
            locks = _LOCKS.read_text("ascii")
        except OSError:
            return []
        return sorted({int(pid) for pid, its in _LOCK.findall(locks) if int(its) == inode})

    def _is_path_of(self, file: int) -> bool:
        try:
            found = self._path.lstat()
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(file))
