"""Texts of a table. One that is not UTF-8 has a lone surrogate for each byte that is wrong."""

from collections.abc import Iterable
from unicodedata import normalize


def stored(text: str) -> bytes:
    """The bytes that a table holds; texts are ordered by them."""
    return text.encode("utf-8", "surrogateescape")


def shown(text: str) -> str:
    """What clients see of it."""
    return stored(text).decode("utf-8", "replace")


def named(texts: Iterable[str], text: str) -> str | None:
    """The one of some stored texts that a client names, as it is or as it was shown."""
    known = set(texts)
    alike = [each for each in known if shown(each) == text]
    return text if text in known else min(alike, default=None)


def fold(text: str) -> str:
    """What texts that differ in case alone have in common (Unicode, section 3.13, D145)."""
    return normalize("NFC", normalize("NFD", text).casefold())
