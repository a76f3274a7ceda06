"""Write a file as a whole or not at all."""

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn
from uuid import uuid4

from server.cli.import_command import FileError

STANDARD_OUTPUT = "-"
_ENDING = (signal.SIGHUP, signal.SIGTERM)


@contextlib.contextmanager
def output_file(name: str) -> Iterator[IO[bytes]]:
    """Open a file to write, which appears under its name when the block has ended.

    Until then, and if the block fails, a file that was there before remains as it is. ``-`` is
    standard output; that, devices and pipes are written to at once. Raises FileError if the file
    can't be written.
    """
    if name == STANDARD_OUTPUT:
        with _standard_output() as file:
            yield file
        return
    try:
        path = Path(name)
        before = path.stat() if path.exists() else None
        is_regular = before is None or stat.S_ISREG(before.st_mode)
        # A link stays one, and its target is replaced.
        with _replaced(path.resolve(), before) if is_regular else path.open("wb") as file:
            yield file
    except OSError as error:
        raise FileError(f"{name} can't be written: {error.strerror or error}") from error


@contextlib.contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        # Python would try to write the rest when it ends, and report that it can't.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Whoever reads has enough, such as head; typer ends the program in silence.
            raise
        raise FileError(f"standard output can't be written: {error.strerror}") from error


@contextlib.contextmanager
def _replaced(path: Path, before: os.stat_result | None) -> Iterator[IO[bytes]]:
    written = path.with_name(f".{path.name[:100]}.{uuid4().hex[:8]}.part")
    # Created with the rights that the process gives new files.
    with _exceptions_for_signals(), written.open("xb") as file:
        try:
            if before is not None:
                written.chmod(stat.S_IMODE(before.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            written.replace(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def _exceptions_for_signals() -> Iterator[None]:
    """End the program by an exception when it is told to end, so that it removes its files."""
    ending = [each for each in _ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _end) for each in ending}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _sync_folder(folder: Path) -> None:
    # Without this the old name may be back after a power cut.
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
