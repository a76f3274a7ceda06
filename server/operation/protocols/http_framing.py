"""The length of a request's body (RFC 9112, section 6), read strictly.

A request whose length two programs might read differently is refused: otherwise a part of a body
could be run as a request of its own (request smuggling).
"""

import re
from collections.abc import Callable, Mapping

_MOST_DIGITS = 18
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})(?:[ \t]*;[^\0-\x08\n-\x1f\x7f]*)?")
# Go's limit: overhead may take a few bytes for each chunk, and a few thousand in all.
_LINE_ALLOWANCE = 18
_MOST_OVERHEAD = 16_384
_LONGEST_LINE = 4_096


class MalformedRequest(Exception):
    """A request that can't be parsed, or is ambiguous; the message says why."""


def content_length(fields: Mapping[bytes, bytes], version: bytes) -> int | None:
    """Return the length of a body in bytes, 0 without a body, and None for a chunked one.

    ``fields`` are the headers by their names in lower case, ``version`` is ``1.0`` or ``1.1``.
    Raises MalformedRequest for an invalid length and for an encoding other than ``chunked``.
    """
    length, encoding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if encoding is not None:
        if length is not None:
            raise MalformedRequest("Content-Length and Transfer-Encoding exclude each other")
        if version == b"1.0" or encoding.strip(b" \t").lower() != b"chunked":
            raise MalformedRequest("Transfer-Encoding must be chunked, in HTTP/1.1")
        return None
    if length is None:
        return 0
    digits = length.strip(b" \t")
    # For bytes, isdigit accepts ASCII digits only.
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise MalformedRequest("Content-Length must be one number of bytes")
    return int(digits)


_Read = Callable[[bytes, int, list[bytes]], int]
"""Reads bytes from an index; returns the next index, or -1 if more bytes are needed."""


class ChunkedBody:
    """Decodes a chunked body (RFC 9112, section 7.1).

    Extensions of chunks and trailers are limited in bytes, and dropped: a trailer is never treated
    as a header (RFC 9110, section 6.5.1).
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._read: _Read = self._size_line
        self._rest = b""
        self._left = 0
        self._overhead = 0

    def feed(self, data: bytes) -> bytes:
        """Read more bytes and return the data of chunks in them.

        Once the body is complete, ``rest`` has the bytes after it. Raises MalformedRequest.
        """
        data, position = self._rest + data, 0
        parts: list[bytes] = []
        while not self.is_complete:
            found = self._read(data, position, parts)
            if found < 0:
                break
            position = found
        self._rest = data[position:]
        return b"".join(parts)

    @property
    def rest(self) -> bytes:
        """The bytes that have not been read."""
        return self._rest

    def _size_line(self, data: bytes, start: int, _parts: list[bytes]) -> int:
        end = self._line_end(data, start)
        if end < 0:
            return -1
        matched = _CHUNK_SIZE.fullmatch(data, start, end)
        if matched is None:
            raise MalformedRequest("a chunk must begin with its size in hexadecimal digits")
        self._left = int(matched[1], 16)
        self._count(end - start - _LINE_ALLOWANCE - 2 * self._left)
        self._read = self._data if self._left else self._trailer
        return end + 2

    def _data(self, data: bytes, start: int, parts: list[bytes]) -> int:
        if start == len(data):
            return -1
        part = data[start : start + self._left]
        parts.append(part)
        self._left -= len(part)
        if not self._left:
            self._read = self._end_of_data
        return start + len(part)

    def _end_of_data(self, data: bytes, start: int, _parts: list[bytes]) -> int:
        ending = data[start : start + 2]
        if not b"\r\n".startswith(ending):
            raise MalformedRequest("the data of a chunk must be as long as its size says")
        if len(ending) < 2:
            return -1
        self._read = self._size_line
        return start + 2

    def _trailer(self, data: bytes, start: int, _parts: list[bytes]) -> int:
        end = self._line_end(data, start)
        if end < 0:
            return -1
        self.is_complete = end == start
        self._count(end - start + 2)
        return end + 2

    def _line_end(self, data: bytes, start: int) -> int:
        end = data.find(b"\r\n", start, start + _LONGEST_LINE)
        if data.find(b"\n", start, end if end >= 0 else start + _LONGEST_LINE) >= 0:
            raise MalformedRequest("lines must end with CR LF")
        if end < 0 and len(data) - start >= _LONGEST_LINE:
            raise MalformedRequest(f"lines in a chunked body must have under {_LONGEST_LINE} bytes")
        return end

    def _count(self, overhead: int) -> None:
        self._overhead = max(0, self._overhead + overhead)
        if self._overhead > _MOST_OVERHEAD:
            raise MalformedRequest(
                f"extensions of chunks and trailers must have at most {_MOST_OVERHEAD} bytes"
            )
