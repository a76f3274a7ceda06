"""How texts are compared where case is ignored.

The one definition, which SQLite calls as a function and PostgreSQL's ``gateway_casefold`` follows.
"""

from unicodedata import normalize


def fold(text: str) -> str:
    """What is equal for all texts that differ in case, or in their normal form, alone.

    Canonical caseless matching (Unicode, 3.13, D145), composed again, so that half a letter is no
    part of a text: ``cafe`` is none of ``café``, nor one Hangul syllable of another.
    """
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFD", text).casefold())
