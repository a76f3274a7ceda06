"""A disk of a few megabytes, which can be filled."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

CAN_MOUNT = os.geteuid() == 0
"""Only root may."""


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """Let a folder be a disk of its own, in memory, until the block ends."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


class SmallDisk:
    """The disk that a folder is."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room on it."""
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()
