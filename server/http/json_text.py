"""Reading the JSON that clients send, and writing what they are answered."""

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


# To look at a text with more brackets would take as long as to read the objects.
_MOST_LOOKED_AT = 4 * _MOST_OBJECTS
# One that is never closed goes on to the end, so that each character is looked at once.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def _holds_too_much(content: bytes) -> bool:
    if len(content) <= _MOST_OBJECTS:
        return False
    brackets, colons = _brackets_and_colons(content)
    if max(brackets, colons) <= _MOST_OBJECTS:
        return False
    if brackets > _MOST_LOOKED_AT:
        return True
    # A text, such as a GraphQL document, may have any number of them.
    return max(_brackets_and_colons(_TEXT.sub(b"", content))) > _MOST_OBJECTS


def _brackets_and_colons(content: bytes) -> tuple[int, int]:
    return content.count(b"{") + content.count(b"["), content.count(b":")
