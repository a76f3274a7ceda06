"""Read a JSON array item by item, so that the file need not fit into memory."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from db.errors import quote
from server.cli.import_text import ImportText

_CHUNK = 1 << 16
_LIST = "data"
_STEPS = re.compile(
    r'\[[ \t\r\n]*\{[ \t\r\n]*"(?:nodeId|nodeLabel|previousNodeIds|status)"[ \t\r\n]*:'
)


class Malformed(ValueError):
    """The file is not valid JSON from a line on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def reason(error: Exception) -> str:
    """Return what is wrong with a text that is not JSON."""
    # The position in json's full message is relative to the chunk, not to the file.
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def find_list(start: str, titles: Collection[str]) -> int | None:
    """Return the index of the list in an object such as ``{"total": 2, "data": [...]}``.

    Returns None if ``start``, the first part of a text, does not begin with such an object. An
    object with a column's title among its keys is a row, and no such object.
    """
    try:
        return _find_list(start, titles)
    except (ValueError, RecursionError, IndexError):
        return None


def _find_list(start: str, titles: Collection[str]) -> int | None:
    decode = json.JSONDecoder().raw_decode
    index = start.index("{") + 1
    while True:
        key, index = decode(start, _skip_space(start, index))
        index = _skip_space(start, index)
        if key in titles or start[index] != ":":
            return None
        index = _skip_space(start, index + 1)
        if key == _LIST:
            return index if start[index] == "[" and not _is_of_steps(start, index) else None
        _, index = decode(start, index)
        index = _skip_space(start, index)
        if start[index] != ",":
            return None
        index += 1


def _is_of_steps(start: str, index: int) -> bool:
    """Whether a list is the data of an execution, which is a list too, and not of executions."""
    return _STEPS.match(start, index) is not None


def _skip_space(text: str, index: int) -> int:
    while text[index] in " \t\r\n":
        index += 1
    return index


def read_list(start: str, index: int, text: ImportText) -> Iterator[tuple[int, Any]]:
    """Yield the items of a list within an object, each with its line.

    The list begins at ``index`` of ``start``, the first part of the text.
    """
    line = text.skipped + 1 + start.count(text.line_end, 0, index)
    scanner = _Scanner(start[index:], text, line)
    yield from scanner.items()
    while scanner.peek() == ",":
        scanner.expect(",")
        scanner.peek()
        scanner.value()
        scanner.expect(":")
        scanner.peek()
        scanner.value()
    scanner.expect("}")
    scanner.expect_end("object")


def read_array(start: str, text: ImportText) -> Iterator[tuple[int, Any]]:
    """Yield the items of an array, each with the line it begins on."""
    scanner = _Scanner(start, text, text.skipped + 1)
    yield from scanner.items()
    scanner.expect_end("array")


class _Scanner:
    def __init__(self, start: str, text: ImportText, line: int) -> None:
        self._buffer = start
        self._position = 0
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self._line_end = text.line_end
        self.line = line

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield the items of the next array, each with the line it begins on."""
        self.expect("[")
        if self.peek() == "]":
            self.expect("]")
            return
        while True:
            self.peek()
            yield self.line, self.value()
            if self.peek() != ",":
                break
            self.expect(",")
        self.expect("]")

    def expect_end(self, what: str) -> None:
        """Raise Malformed if the text goes on."""
        if self.peek():
            raise Malformed(self.line, f"there is more after the end of the {what}")

    def peek(self) -> str:
        """Return the next character that is not white space, or an empty string at the end."""
        while True:
            while self._position < len(self._buffer):
                character = self._buffer[self._position]
                if character not in " \t\r\n":
                    return character
                self.line += character == self._line_end
                self._position += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        """Skip the next character, or raise Malformed if it is another one."""
        found = self.peek()
        if found != character:
            what = quote(found) if found else "the end of the file"
            raise Malformed(self.line, f"not JSON: expected {character!r}, found {what}")
        self._position += 1

    def value(self) -> Any:
        """Return the next value."""
        while True:
            try:
                value, end = self._decode(self._buffer, self._position)
                # A number that ends with the buffer may go on.
                if end < len(self._buffer) or not self._more():
                    break
            except (ValueError, RecursionError) as error:
                if not self._more():
                    raise Malformed(self.line, f"not JSON: {reason(error)}") from None
        self.line += self._buffer.count(self._line_end, self._position, end)
        self._position = end
        return value

    def _more(self) -> bool:
        # Double the buffer each time, so that a large value is not scanned too often.
        rest = self._buffer[self._position :]
        chunk = self._text.read(max(_CHUNK, len(rest)))
        self._buffer, self._position = rest + chunk, 0
        return bool(chunk)
