"""Reading a JSON array piece by piece, so that memory holds an item and not the file."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from db.errors import quote
from server.cli.import_text import ImportText

_CHUNK = 1 << 16
_LIST = "data"


class Malformed(ValueError):
    """The file can't be read on from a line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def reason(error: Exception) -> str:
    """What is wrong with a text that is no JSON."""
    # What json says of the place is about the piece that it was given, not about the file.
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def place_of_list(start: str, titles: Collection[str]) -> int | None:
    """Where the list of an object such as ``{"total": 2, "data": [...]}`` begins.

    None when a text begins with no such object, as far as ``start`` tells; so it is when the object
    has a column's title among its keys, because it is a row then.
    """
    try:
        return _place_of_list(start, titles)
    except (ValueError, RecursionError, IndexError):
        return None


def _place_of_list(start: str, titles: Collection[str]) -> int | None:
    decode = json.JSONDecoder().raw_decode
    place = start.index("{") + 1
    while True:
        key, place = decode(start, _past_space(start, place))
        place = _past_space(start, place)
        if key in titles or start[place] != ":":
            return None
        place = _past_space(start, place + 1)
        if key == _LIST:
            return place if start[place] == "[" else None
        _, place = decode(start, place)
        place = _past_space(start, place)
        if start[place] != ",":
            return None
        place += 1


def _past_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


def read_list(start: str, place: int, text: ImportText) -> Iterator[tuple[int, Any]]:
    """The items of the list within an object, which begins at a place of the text's beginning."""
    line = text.skipped + 1 + start.count(text.line_end, 0, place)
    scanner = _Scanner(start[place:], text, line)
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
    """The items of an array and the lines they begin on."""
    scanner = _Scanner(start, text, text.skipped + 1)
    yield from scanner.items()
    scanner.expect_end("array")


class _Scanner:
    def __init__(self, start: str, text: ImportText, line: int) -> None:
        self._buffer = start
        self._place = 0
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self._line_end = text.line_end
        self.line = line

    def items(self) -> Iterator[tuple[int, Any]]:
        """The items of the array that comes next, and the lines they begin on."""
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
        """Nothing comes after what was read."""
        if self.peek():
            raise Malformed(self.line, f"there is more after the end of the {what}")

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._place < len(self._buffer):
                character = self._buffer[self._place]
                if character not in " \t\r\n":
                    return character
                self.line += character == self._line_end
                self._place += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        """The next character is this one, and is passed over."""
        found = self.peek()
        if found != character:
            what = quote(found) if found else "the end of the file"
            raise Malformed(self.line, f"not JSON: expected {character!r}, found {what}")
        self._place += 1

    def value(self) -> Any:
        """The value that comes next."""
        while True:
            try:
                value, end = self._decode(self._buffer, self._place)
                # A number that ends with the buffer may go on.
                if end < len(self._buffer) or not self._more():
                    break
            except (ValueError, RecursionError) as error:
                if not self._more():
                    raise Malformed(self.line, f"not JSON: {reason(error)}") from None
        self.line += self._buffer.count(self._line_end, self._place, end)
        self._place = end
        return value

    def _more(self) -> bool:
        # Twice as much each time, so that a large value is not scanned too often.
        rest = self._buffer[self._place :]
        chunk = self._text.read(max(_CHUNK, len(rest)))
        self._buffer, self._place = rest + chunk, 0
        return bool(chunk)
