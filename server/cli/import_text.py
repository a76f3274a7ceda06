"""From the bytes of a file that is imported to its text, whatever wrote it."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import IO, TextIO, cast

from db.errors import InvalidInput

_HEAD = 4096
_CHUNK = 1 << 16
_BOM = "\ufeff"
_READ = "CSV, JSON Lines or a JSON array, in UTF-8 or UTF-16, or one of these in gzip"
_GZIP = b"\x1f\x8b"
# The bytes that files of other kinds begin with, and what to do with such a file.
_OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV (UTF-8)",
    b"SQLite format 3\0": "an SQLite database; export its rows as CSV or JSON Lines",
    b"PAR1": "a Parquet file; export its rows as CSV or JSON Lines",
    b"BZh": "compressed with bzip2; pass it on unpacked: bzip2 -dc FILE | ... import -",
    b"\xfd7zXZ\0": "compressed with xz; pass it on unpacked: xz -dc FILE | ... import -",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; pass it on unpacked: zstd -dc FILE | ... import -",
    b"%PDF": "a PDF document",
}


class ImportText:
    """The text of a file, read a piece at a time.

    ``line_end`` is what its lines end with: a line feed, with or without a carriage return, or a
    carriage return alone. Raises InvalidInput, which names the file, for one of another kind and
    for one that is damaged.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._name = name
        buffered = io.BufferedReader(cast("io.RawIOBase", file))
        head = buffered.peek(_HEAD)
        if head.startswith(_GZIP):
            buffered = io.BufferedReader(_Gunzipped(cast("IO[bytes]", buffered), name))
            head = buffered.peek(_HEAD)
        encoding = _encoding(head, name)
        # What is not UTF-8 becomes a surrogate, which is refused where its line is known.
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        self._text: TextIO = io.TextIOWrapper(buffered, encoding, errors=errors, newline="")
        self._start = self.read().removeprefix(_BOM)
        self.skipped = 0
        """How many lines with nothing in them came before what ``start`` returns."""
        while self._start and not self._start.strip(" \t\r\n"):
            self.skipped += self._start.count("\n") or self._start.count("\r")
            self._start = self.read()
        has_feed, has_return = "\n" in self._start, "\r" in self._start
        self.line_end = "\r" if has_return and not has_feed else "\n"

    def start(self) -> str:
        """The beginning of the text, as far as it was read; empty when there is nothing."""
        return self._start

    def read(self, size: int = _CHUNK) -> str:
        """What comes next; empty at the end."""
        try:
            return self._text.read(size)
        except UnicodeError:
            raise InvalidInput(f"{self._name} is not valid UTF-16") from None

    def lines(self) -> Iterator[str]:
        """The lines from the beginning, each with its end."""
        # A line may be much longer than what is read at once.
        begun: list[str] = []
        chunk, end = self._start, self.line_end
        while chunk:
            first, *more = chunk.split(end)
            begun.append(first)
            for piece in more:
                yield "".join(begun) + end
                begun = [piece]
            chunk = self.read()
        if last := "".join(begun):
            yield last


class _Gunzipped(io.RawIOBase):
    """What was compressed, and the error when that is damaged in words."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = gzip.GzipFile(fileobj=file)
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            data = self._file.read1(len(buffer))
        except (EOFError, OSError, zlib.error):
            raise InvalidInput(f"{self._name} is in gzip that is damaged or cut off") from None
        buffer[: len(data)] = data
        return len(data)


def _encoding(head: bytes, name: str) -> str:
    """How a text that begins with these bytes is encoded."""
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise InvalidInput(f"{name} is {kind}")
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise InvalidInput(f"{name} is in UTF-32; save it in UTF-8")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # Every other byte of what is mostly ASCII is null in UTF-16.
    if len(head) > 1 and b"\0" in head:
        if head[1::2].count(0) > len(head) // 4 > head[::2].count(0):
            return "utf-16-le"
        if head[::2].count(0) > len(head) // 4 > head[1::2].count(0):
            return "utf-16-be"
        if b"\0" in head[:64]:
            raise InvalidInput(f"{name} is not text; it must be {_READ}")
    return "utf-8"
