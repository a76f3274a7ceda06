"""Recognize query parameters whose names are almost documented ones.

A filter with a misspelt name must not be ignored: the list would be unfiltered, and a client that
lists executions to delete them would delete everything.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

from db.errors import InvalidInput, quote

_SHORT = 5
"""Up to this length, a second wrong letter counts only if the first letter is right."""
_SHORTEST_FOR_TWO = 5
"""The shortest name in which two letters may be wrong."""
_SEPARATORS = re.compile(r"[\[\].;:?/&]")
_MOST_PARTS = 10
"""How many parts of a name are compared."""
_LONGEST_TAKEN_APART = 200
_INDEX = re.compile(r"\[\d{0,4}\]", re.ASCII)

LEFT_ALONE = frozenset(
    {
        "age",
        "exclude",
        "grid",
        "light",
        "list",
        "site",
        "slate",
        "space",
        "stack",
        "stage",
        "stale",
        "stamp",
        "start",
        "static",
        "stats",
        "style",
    }
)
"""Words that are close to a documented name, but likely names of the client's own."""


class DocumentedNames:
    """The names of the documented parameters, and the test for misspelt ones."""

    def __init__(self, names: Iterable[str], *, lists: Iterable[str]) -> None:
        self._lists = frozenset(lists)
        self._names = {name: _letters(name) for name in names}
        self._by_letters = {letters: name for name, letters in self._names.items()}
        self._longest = max(map(len, self._names.values())) + 2

    def read(self, name: str, value: str) -> str | None:
        """Return the documented name of a parameter, or None for one of the client's own.

        A parameter that takes a list may be written ``name[]`` and ``name[0]``. Raises
        InvalidInput, which suggests the documented name, if the name differs from it only in case,
        brackets, separators, white space, or one or two letters. A name after a semicolon, which
        separates no parameters, is tested too.
        """
        if name in self._names:
            return name
        beginning, bracket, _ = name.partition("[")
        if beginning in self._lists and _INDEX.fullmatch(name[len(beginning) :]):
            return beginning
        if beginning in self._names and bracket:
            raise InvalidInput(_brackets(beginning, name, takes_list=beginning in self._lists))
        for written in (name, *_names_behind_semicolons(value)):
            meant = self._meant_by(written)
            if meant is not None:
                raise InvalidInput(f"The query has no parameter {quote(written)}; use {meant}")
        return None

    def _meant_by(self, name: str) -> str | None:
        if "%" in name:
            name = unquote(name)
        for part in (name, *_SEPARATORS.split(name, maxsplit=_MOST_PARTS)):
            meant = self._by_letters.get(_letters(part))
            if meant is not None:
                return meant
        letters = _letters(_SEPARATORS.split(name, maxsplit=1)[0]) or _letters(name)
        if letters in LEFT_ALONE or len(letters) > self._longest:
            return None
        return next(
            (name for name, right in self._names.items() if _is_misspelled(letters, right)), None
        )


def _brackets(name: str, written: str, *, takes_list: bool) -> str:
    if takes_list:
        return f"{name} is written {name}, {name}[] or {name}[0]; got {quote(written)}"
    return f"{name} takes one value and no brackets; got {quote(written)}"


def _names_behind_semicolons(value: str) -> list[str]:
    return [part.partition("=")[0] for part in value.split(";")[1:] if "=" in part]


def _letters(name: str) -> str:
    # NFKC can expand a character to eighteen, so long names are not normalized.
    is_short = len(name) <= _LONGEST_TAKEN_APART
    folded = unicodedata.normalize("NFKC", name).casefold() if is_short else name.lower()
    return "".join(filter(str.isalnum, folded))


def _is_misspelled(letters: str, right: str) -> bool:
    allowed = 1 if len(right) < _SHORTEST_FOR_TWO else 2
    # Each wrong letter adds at most two letters to the difference.
    if abs(len(letters) - len(right)) > allowed or len(set(letters) ^ set(right)) > 2 * allowed:
        return False
    distance = _distance(letters, right)
    # Many words of four or five letters are two letters apart: date, rate, take, state.
    return distance <= (1 if len(right) <= _SHORT and letters[:1] != right[0] else allowed)


def _distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance: insertions, deletions, replacements, swaps."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, above[j - 2] + 1)
            row.append(least)
    return row[-1]
