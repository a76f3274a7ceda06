"""Parse clients' JSON and serialize responses."""

import re
from typing import Any

import orjson

from db.errors import InvalidInput
from db.texts import shown

# Creating an object or a list takes a hundred times as long as scanning a text. No request within
# the other limits has as many.
_MOST_OBJECTS = 25_000


def read_json(
    what: str, text: bytes, limit: str | None = None, *, expected: str = "JSON in UTF-8"
) -> Any:
    """Parse JSON in UTF-8; ``what`` names its source, ``expected`` what that must be.

    ``limit`` is the setting that limits the size of the source.

    Raises InvalidInput if it is invalid, or has tens of thousands of objects, lists or entries.
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
    """Serialize a value as JSON, with U+FFFD in place of bytes that are not UTF-8."""
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        # Broken texts are rare, so look for them only when the encoder fails.
        return orjson.dumps(_shown(content))


def _shown(content: Any) -> Any:
    if isinstance(content, str):
        return shown(content)
    if isinstance(content, dict):
        return {_shown(key): _shown(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_shown(item) for item in content]
    return content


# Scanning a text with more brackets would take as long as parsing the objects.
_MOST_LOOKED_AT = 4 * _MOST_OBJECTS
# An unclosed text extends to the end, so that each character is scanned once.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def _holds_too_much(content: bytes) -> bool:
    if len(content) <= _MOST_OBJECTS:
        return False
    brackets, colons = _brackets_and_colons(content)
    if max(brackets, colons) <= _MOST_OBJECTS:
        return False
    if brackets > _MOST_LOOKED_AT:
        return True
    # Brackets within texts, such as GraphQL documents, don't count.
    return max(_brackets_and_colons(_TEXT.sub(b"", content))) > _MOST_OBJECTS


def _brackets_and_colons(content: bytes) -> tuple[int, int]:
    return content.count(b"{") + content.count(b"["), content.count(b":")
