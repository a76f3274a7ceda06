"""Case folding for comparisons that ignore case.

The only definition: SQLite calls it as a function, and PostgreSQL's ``gateway_casefold`` matches
it.
"""

from unicodedata import normalize


def fold(text: str) -> str:
    """Return the same text for all texts that differ only in case or normal form.

    Canonical caseless matching (Unicode 3.13, D145), with the result composed, so that parts of a
    character don't match: ``café`` does not contain ``cafe``, and no Hangul syllable contains
    another.
    """
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFD", text).casefold())
