"""Texts that PostgreSQL can take."""

import re
from collections.abc import Sequence
from typing import Any

# Neither is a character of UTF-8 as PostgreSQL stores it.
_NEVER_STORED = re.compile("[\0\ud800-\udfff]")
_NO_CHARACTER = "\uffff"


def storable(parameters: Sequence[Any]) -> list[Any]:
    """Parameters in which what PostgreSQL never stores is replaced by what no text has.

    A text with a null character, or with half of a surrogate pair, equals nothing that is stored;
    sent as it is, the statement would fail.
    """
    return [
        _NEVER_STORED.sub(_NO_CHARACTER, value)
        if (isinstance(value, str) and not value.isascii())
        or (value.__class__ is str and "\0" in value)
        else value
        for value in parameters
    ]
