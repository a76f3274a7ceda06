"""Adapt texts that PostgreSQL can't take as parameters."""

import re
from collections.abc import Sequence
from typing import Any

# PostgreSQL can't store these characters.
_NEVER_STORED = re.compile("[\0\ud800-\udfff]")
_NO_CHARACTER = "\uffff"


def storable(parameters: Sequence[Any]) -> list[Any]:
    """Return the parameters with unstorable characters replaced by one that no text has.

    A text with a null character or half a surrogate pair equals no stored text; sent unchanged, it
    would make the statement fail.
    """
    return [
        _NEVER_STORED.sub(_NO_CHARACTER, value)
        if (isinstance(value, str) and not value.isascii())
        or (value.__class__ is str and "\0" in value)
        else value
        for value in parameters
    ]
