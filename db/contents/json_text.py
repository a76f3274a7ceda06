"""JSON text, read piece by piece, so that parts of it can be passed on as they are written."""

import json
import re
from json import JSONDecodeError, decoder
from typing import Any, NamedTuple

_blanks = re.compile(r"[ \t\n\r]*")


class NotJson(Exception):
    """A text is no JSON. The message says why, and where."""


class Value(NamedTuple):
    """A value, and where it is in the text.

    Numbers are floats: the text may have more digits. Of members with the same name the last one
    counts.
    """

    parsed: Any
    start: int
    end: int


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is no JSON value")


# int() refuses numbers of thousands of digits.
_scan_string: Any = vars(decoder)["scanstring"]
_decoder: Any = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)


class JsonReader:
    """Reads a text from its beginning to its end. Its methods raise NotJson."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def begins(self, character: str) -> bool:
        """Whether the next value begins with a character."""
        self._skip_blanks()
        return self._text.startswith(character, self._at)

    def value(self) -> Value:
        """Read the next value as a whole."""
        self._skip_blanks()
        start = self._at
        try:
            parsed, self._at = _decoder.scan_once(self._text, start)
        except JSONDecodeError as error:
            raise NotJson(f"{error.msg} (character {error.pos})") from None
        except StopIteration as error:
            raise NotJson(f"Expecting value (character {error.value})") from None
        except RecursionError:
            raise NotJson("lists and objects are nested too deeply") from None
        return Value(parsed, start, self._at)

    def enter(self, opening: str, closing: str) -> bool:
        """Enter a list or an object; return whether there is something in it."""
        self._take(opening)
        return not self._took(closing)

    def goes_on(self, closing: str) -> bool:
        """Whether a list or an object goes on after a value; if not, it is left."""
        if self._took(","):
            return True
        self._take(closing)
        return False

    def name(self) -> str:
        """Read the name of a member and its colon."""
        self._take('"')
        try:
            name: str
            name, self._at = _scan_string(self._text, self._at, True)
        except JSONDecodeError as error:
            raise NotJson(f"{error.msg} (character {error.pos})") from None
        self._take(":")
        return name

    def finish(self) -> None:
        """Check that the text ends here."""
        self._skip_blanks()
        if self._at != len(self._text):
            raise NotJson(f"Extra data (character {self._at})")

    def _skip_blanks(self) -> None:
        found = _blanks.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _took(self, character: str) -> bool:
        is_next = self.begins(character)
        self._at += is_next
        return is_next

    def _take(self, character: str) -> None:
        if not self._took(character):
            raise NotJson(f"Expecting {character} (character {self._at})")
