"""JSON text, read piece by piece, so that parts of it can be passed on as they are written.

Nothing is made of what is skipped: large texts take no memory besides their own, and other threads
have their turn while one is read.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")

DEEPEST = 1_000
"""How many lists and objects may be inside each other."""
_AT_A_TIME = 2**15
"""How many characters are skipped in one match, which lets no other thread run."""
_BLANK = r"[ \t\n\r]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_REST_OF_STRING = rf'{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+'
_STRING = rf'"{_REST_OF_STRING}"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SCALAR = rf"{_STRING}|{_NUMBER}|true|false|null"


def _value(depth: int) -> str:
    """Return the pattern of a value with no more than ``depth`` lists and objects inside it."""
    if depth == 0:
        return _SCALAR
    value = _value(depth - 1)
    elements = rf"(?:(?:{value}){_BLANK}(?:,{_BLANK}(?!\])|(?=\])))*+"
    members = rf'(?:{_STRING}{_BLANK}:{_BLANK}(?:{value}){_BLANK}(?:,{_BLANK}(?=")|(?=\}})))*+'
    return rf"{_SCALAR}|\[{_BLANK}{elements}\]|\{{{_BLANK}{members}\}}"


def _skipping(what: str) -> re.Pattern[str]:
    """Return the pattern of as many as there are, of which each has a comma after it."""
    return re.compile(rf"(?:{_BLANK}{what}{_BLANK},)*+")


_MEMBER = rf"{_STRING}{_BLANK}:{_BLANK}(?:{_value(3)})"

_blanks = re.compile(_BLANK)
_scalar = re.compile(_SCALAR)
_part_of_string = re.compile(_REST_OF_STRING)
_name = re.compile(rf"{_BLANK}({_STRING}){_BLANK}:{_BLANK}")
_short = re.compile(rf"(?=[\[{{])(?:{_value(3)})")
# Steps have about so many lists and objects inside each other.
_elements = _skipping(f"(?:{_value(5)})")
_no_objects = _skipping(rf"(?!\{{)(?:{_value(2)})")
_INSIDE = {"[": _elements, "{": _skipping(_MEMBER)}
_CLOSING = {"[": "]", "{": "}"}
_NAME = "the name of a member and a colon"


def members_besides(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of short members with other names, for ``skip_members``."""
    name = rf'(?!"(?:{"|".join(map(re.escape, names))})")"{_PLAIN}"'
    return _skipping(rf"{name}{_BLANK}:{_BLANK}(?:{_value(2)})")


class TooManyParts(Exception):
    """A text has more parts to be read singly than its reader may read. The message says so."""


class Effort:
    """How many parts of texts may be read singly: ``left`` by all readers that share this.

    Half a million take about a second.
    """

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self) -> None:
        """Count a part. Raises TooManyParts."""
        if self.left == 0:
            raise TooManyParts(
                f"at most {self.most:,} parts of a response are read one by one, and it has more"
            )
        self.left -= 1


class NotJson(Exception):
    """A text is no JSON. The message says why, and where."""


class JsonReader:
    """Reads a text from its beginning to its end.

    Its methods raise NotJson, and TooManyParts if it takes more than ``effort``, if that is given.
    """

    def __init__(self, text: str, effort: Effort | None = None) -> None:
        self._text = text
        self._at = 0
        self._count = (effort or Effort(sys.maxsize)).take

    def begins(self, character: str) -> bool:
        """Whether the next value begins with a character."""
        self._skip_blanks()
        return self._text.startswith(character, self._at)

    def enter(self, opening: str) -> bool:
        """Enter a list or an object; return whether there is something in it."""
        self._take(opening)
        return not self._took(_CLOSING[opening])

    def goes_on(self, opening: str) -> bool:
        """Whether a list or an object goes on after a value; if not, it is left."""
        if self._took(","):
            return True
        self._take(_CLOSING[opening])
        return False

    def name(self) -> str:
        """Read the name of a member, up to its value."""
        self._count()
        found = _name.match(self._text, self._at, self._at + _AT_A_TIME)
        if found is not None:
            self._at = found.end()
            return _decoded(found[1])
        if not self.begins('"'):
            raise self._unexpected(_NAME)
        start = self._at
        end = self._skip_string(_NAME)
        if not self._took(":"):
            self._at = start
            raise self._unexpected(_NAME)
        return _decoded(self._text[start:end])

    def string(self) -> str | None:
        """Read the next value if it is a string; skip others."""
        written = self.written()
        return _decoded(written) if written.startswith('"') else None

    def number(self) -> float | None:
        """Read the next value if it is a number; skip others."""
        written = self.written()
        return float(written) if written[0] in "-0123456789" else None

    def written(self) -> str:
        """Return the next value as it is written."""
        start, end = self.skip()
        return self._text[start:end]

    def written_and(self, read: "Callable[[JsonReader], _T]") -> tuple[str, _T]:
        """Return the next value as it is written, and what ``read`` reads of it."""
        self._skip_blanks()
        start = self._at
        found = read(self)
        return self._text[start : self._at], found

    def skip(self) -> tuple[int, int]:
        """Skip the next value; return where it begins and ends."""
        self._skip_blanks()
        start = self._at
        short = _short.match(self._text, start, start + _AT_A_TIME)
        if short is not None:
            self._count()
            self._at = short.end()
            return start, self._at
        inside: list[str] = []
        while True:
            if self._opened(inside):
                continue
            while inside and self._took(_CLOSING[inside[-1]]):
                inside.pop()
            if not inside:
                return start, self._at
            self._take(",")
            self._skip_into(inside[-1])

    def skip_elements(self) -> None:
        """Skip elements of a list, as long as they are short and others follow them."""
        self._skip_all(_elements)

    def skip_no_objects(self) -> None:
        """Skip elements of a list that are no objects, as ``skip_elements`` does."""
        self._skip_all(_no_objects)

    def skip_members(self, besides: re.Pattern[str]) -> None:
        """Skip members of an object, as ``skip_elements`` does; see ``members_besides``."""
        self._skip_all(besides)

    def finish(self) -> None:
        """Check that the text ends here."""
        self._skip_blanks()
        if self._at != len(self._text):
            raise self._unexpected("the end of the text")

    def _opened(self, inside: list[str]) -> bool:
        """Enter a list or an object that is not empty, or else skip a value."""
        self._count()
        self._skip_blanks()
        character = self._text[self._at : self._at + 1]
        if character not in _CLOSING:
            self._skip_scalar()
            return False
        self._at += 1
        if self._took(_CLOSING[character]):
            return False
        if len(inside) == DEEPEST:
            raise NotJson(f"more than {DEEPEST:,} lists and objects are inside each other")
        inside.append(character)
        self._skip_into(character)
        return True

    def _skip_into(self, opening: str) -> None:
        """Skip to the value of the next element or member, and past those that are short."""
        self._skip_all(_INSIDE[opening])
        if opening == "{":
            self.name()

    def _skip_all(self, pattern: re.Pattern[str]) -> None:
        while found := pattern.match(self._text, self._at, self._at + _AT_A_TIME):
            if found.end() == self._at:
                break
            self._at = found.end()

    def _skip_scalar(self) -> None:
        if self._text.startswith('"', self._at):
            self._skip_string("a value")
            return
        found = _scalar.match(self._text, self._at)
        if found is None:
            raise self._unexpected("a value")
        self._at = found.end()

    def _skip_string(self, expected: str) -> int:
        """Skip a string; return where it ends. If there is none, ``expected`` is missing."""
        end = self._at + 1
        while found := _part_of_string.match(self._text, end, end + _AT_A_TIME):
            if found.end() == end:
                break
            end = found.end()
        if not self._text.startswith('"', end):
            raise self._unexpected(expected)
        self._at = end + 1
        return self._at

    def _skip_blanks(self) -> None:
        if self._text[self._at : self._at + 1] in " \t\n\r":
            found = _blanks.match(self._text, self._at)
            self._at = found.end() if found else self._at

    def _took(self, character: str) -> bool:
        is_next = self.begins(character)
        self._at += is_next
        return is_next

    def _take(self, character: str) -> None:
        if not self._took(character):
            raise self._unexpected(f"{character!r}")

    def _unexpected(self, expected: str) -> NotJson:
        self._skip_blanks()
        return NotJson(f"expected {expected} at character {self._at:,}")


def _decoded(string: str) -> str:
    decoded: str = json.loads(string) if "\\" in string else string[1:-1]
    return decoded


def on_one_line(text: str) -> bytes:
    """Return valid JSON without line breaks, in UTF-8, as event streams need it."""
    # Within a string they are escaped.
    return text.replace("\n", " ").replace("\r", " ").encode()
