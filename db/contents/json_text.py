"""JSON text, read piece by piece, so that parts of it can be passed on as they are written.

Nothing is made of what is skipped: large texts take no memory besides their own, and other threads
have their turn while one is read.
"""

import json
import re

DEEPEST = 1_000
"""How many lists and objects may be inside each other."""

_AT_A_TIME = 200
_BLANK = r"[ \t\n\r]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SCALAR = rf"(?:{_STRING}|{_NUMBER}|true|false|null)"

_MEMBER = rf"{_STRING}{_BLANK}:{_BLANK}{_SCALAR}{_BLANK}"
# Lists and objects that are short, and have none in them.
_LIST = rf"\[{_BLANK}(?:{_SCALAR}{_BLANK}(?:,{_BLANK}{_SCALAR}{_BLANK}){{0,{_AT_A_TIME}}}+)?+\]"
_OBJECT = rf"\{{{_BLANK}(?:{_MEMBER}(?:,{_BLANK}{_MEMBER}){{0,{_AT_A_TIME}}}+)?+\}}"
_VALUE = rf"(?:{_SCALAR}|{_LIST}|{_OBJECT})"

_blanks = re.compile(_BLANK)
_scalar = re.compile(_SCALAR)
_name = re.compile(rf"{_BLANK}({_STRING}){_BLANK}:{_BLANK}")
# No match may take long: it lets no other thread run.
_elements = re.compile(rf"(?:{_BLANK}{_VALUE}{_BLANK},){{0,{_AT_A_TIME}}}+")
_members = re.compile(
    rf"(?:{_BLANK}{_STRING}{_BLANK}:{_BLANK}{_VALUE}{_BLANK},){{0,{_AT_A_TIME}}}+"
)
_scalars = re.compile(rf"(?:{_BLANK}{_SCALAR}{_BLANK},){{0,{_AT_A_TIME}}}+")
_INSIDE = {"[": _elements, "{": _members}
_CLOSING = {"[": "]", "{": "}"}


class NotJson(Exception):
    """A text is no JSON. The message says why, and where."""


class JsonReader:
    """Reads a text from its beginning to its end. Its methods raise NotJson."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

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
        found = _name.match(self._text, self._at)
        if found is None:
            raise self._unexpected("the name of a member and a colon")
        self._at = found.end()
        return _decoded(found[1])

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

    def skip(self) -> tuple[int, int]:
        """Skip the next value; return where it begins and ends."""
        self._skip_blanks()
        start = self._at
        inside: list[str] = []
        while True:
            if self._opened(inside):
                continue
            while inside and self._took(_CLOSING[inside[-1]]):
                inside.pop()
            if not inside:
                return start, self._at
            self._take(",")
            self._skip_many(inside[-1])

    def skip_scalars(self) -> None:
        """Skip elements that are no lists or objects, as long as others follow them."""
        while (found := _scalars.match(self._text, self._at)) and found.end() > self._at:
            self._at = found.end()

    def finish(self) -> None:
        """Check that the text ends here."""
        self._skip_blanks()
        if self._at != len(self._text):
            raise self._unexpected("the end of the text")

    def _opened(self, inside: list[str]) -> bool:
        """Enter a list or an object that is not empty, or else skip a value."""
        self._skip_blanks()
        character = self._text[self._at : self._at + 1]
        if character not in _CLOSING:
            found = _scalar.match(self._text, self._at)
            if found is None:
                raise self._unexpected("a value")
            self._at = found.end()
            return False
        self._at += 1
        if self._took(_CLOSING[character]):
            return False
        if len(inside) == DEEPEST:
            raise NotJson(f"more than {DEEPEST:,} lists and objects are inside each other")
        inside.append(character)
        self._skip_many(character)
        return True

    def _skip_many(self, opening: str) -> None:
        """Skip the names, and all values but the last, of short elements or members."""
        pattern = _INSIDE[opening]
        while found := pattern.match(self._text, self._at):
            if found.end() == self._at:
                break
            self._at = found.end()
        if opening == "{":
            found = _name.match(self._text, self._at)
            if found is None:
                raise self._unexpected("the name of a member and a colon")
            self._at = found.end()

    def _skip_blanks(self) -> None:
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
