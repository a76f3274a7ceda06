"""Reading the JSON that clients send, and writing what they are answered."""

import itertools
import re
from typing import Any

import orjson

from db.errors import InvalidInput
from db.texts import shown

# Making an object or a list takes a hundred times as long as reading past a text. No request that
# the other limits let through has as many; a guid may be written in brackets.
_MOST_OBJECTS = 25_000


def read_json(
    what: str, text: bytes, limit: str | None = None, *, expected: str = "JSON in UTF-8"
) -> Any:
    """Read JSON in UTF-8; ``what`` is what holds it, ``expected`` what that must be.

    ``limit`` is the setting that bounds how much of that is let through.

    Raises InvalidInput when it is none, and for tens of thousands of objects, lists or entries.
    """
    if _holds_too_much(text):
        named = f" ({limit})" if limit else ""
        raise InvalidInput(
            f"{what} must be {expected} with at most {_MOST_OBJECTS} objects, lists and "
            f"entries{named}",
            limit=limit,
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{what} must be {expected}: {error}") from None


def write_json(content: object) -> bytes:
    """Write a value as JSON; a text that is not UTF-8 has U+FFFD where it is no character."""
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        # Nearly no content has such a text, so that it is looked for only where there is one.
        return orjson.dumps(_shown(content))


def _shown(content: Any) -> Any:
    if isinstance(content, str):
        return shown(content)
    if isinstance(content, dict):
        return {_shown(key): _shown(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_shown(item) for item in content]
    return content


# A bracket within a text, such as one of a GraphQL document, is followed by something else.
_CONTAINER = re.compile(rb"[\[{](?=\s*[]}\"\[{\dtfn-])")
_ENTRY = re.compile(rb"\"\s*:")
# To look at more of them would take as long as to read the objects.
_MOST_LOOKED_AT = 4 * _MOST_OBJECTS


def _holds_too_much(text: bytes) -> bool:
    if len(text) <= _MOST_OBJECTS:
        return False
    brackets = text.count(b"{") + text.count(b"[")
    return (text.count(b":") > _MOST_OBJECTS and _has_many(_ENTRY, text)) or (
        brackets > _MOST_OBJECTS and (brackets > _MOST_LOOKED_AT or _has_many(_CONTAINER, text))
    )


def _has_many(pattern: re.Pattern[bytes], text: bytes) -> bool:
    return next(itertools.islice(pattern.finditer(text), _MOST_OBJECTS, None), None) is not None
