"""Decode the bytes of an imported file: UTF-8 or UTF-16, compressed with gzip or not."""

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
# The first bytes of files of other kinds, and what to do with such a file.
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
    """The text of a file, read in chunks.

    ``line_end`` is a line feed, also for lines that end in CRLF, or a carriage return for a file
    with no line feeds. Raises InvalidInput, which names the file, if the file is of another kind
    or damaged.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._name = name
        buffered = io.BufferedReader(cast("io.RawIOBase", file))
        head = buffered.peek(_HEAD)
        if head.startswith(_GZIP):
            buffered = io.BufferedReader(_Gunzipped(cast("IO[bytes]", buffered), name))
            head = buffered.peek(_HEAD)
        encoding = _encoding(head, name)
        # Invalid UTF-8 becomes a surrogate, which is rejected later, where its line is known.
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        self._text: TextIO = io.TextIOWrapper(buffered, encoding, errors=errors, newline="")
        self._start = self.read().removeprefix(_BOM)
        self.skipped = 0
        """The number of empty lines before what ``start`` returns."""
        while self._start and not self._start.strip(" \t\r\n"):
            self.skipped += self._start.count("\n") or self._start.count("\r")
            self._start = self.read()
        has_feed, has_return = "\n" in self._start, "\r" in self._start
        self.line_end = "\r" if has_return and not has_feed else "\n"

    def start(self) -> str:
        """Return the first chunk of the text, without leading empty lines; empty for no text."""
        return self._start

    def read(self, size: int = _CHUNK) -> str:
        """Return the next chunk, or an empty string at the end."""
        try:
            return self._text.read(size)
        except UnicodeError:
            raise InvalidInput(f"{self._name} is not valid UTF-16") from None

    def lines(self) -> Iterator[str]:
        """Yield the lines from the first one on, each with its line end."""
        # A line may be much longer than a chunk.
        begun: list[str] = []
        chunk, end = self._start, self.line_end
        while chunk:
            first, *more = chunk.split(end)
            begun.append(first)
            for part in more:
                yield "".join(begun) + end
                begun = [part]
            chunk = self.read()
        if last := "".join(begun):
            yield last


class _Gunzipped(io.RawIOBase):
    """A decompressed file, which raises InvalidInput where the gzip data is damaged."""

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
    """Return the encoding of a text from its first bytes."""
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise InvalidInput(f"{name} is {kind}")
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise InvalidInput(f"{name} is in UTF-32; save it in UTF-8")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # In UTF-16, every other byte of mostly ASCII text is null.
    if len(head) > 1 and b"\0" in head:
        if head[1::2].count(0) > len(head) // 4 > head[::2].count(0):
            return "utf-16-le"
        if head[::2].count(0) > len(head) // 4 > head[1::2].count(0):
            return "utf-16-be"
        if b"\0" in head[:64]:
            raise InvalidInput(f"{name} is not text; it must be {_READ}")
    return "utf-8"
