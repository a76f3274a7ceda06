"""Stored texts that are not UTF-8.

The database rejects them, but older rows may have some. Inside the gateway, such a text is a
``str`` in which each wrong byte is a lone surrogate (PEP 383), so that it can be told from all
other texts, ordered, and found again. Clients see U+FFFD in its place, and may use that to name the
row.
"""

NO_CHARACTER = "\ufffd"
"""The replacement character, shown in place of bytes that are not UTF-8."""
_ERRORS = "surrogateescape"


def read_text(raw: bytes) -> str:
    """Decode a stored text, whatever its bytes are."""
    return raw.decode("utf-8", _ERRORS)


def bytes_of(text: str) -> bytes:
    """Return the bytes that ``read_text`` decoded; other lone surrogates get bytes too."""
    try:
        return text.encode("utf-8", _ERRORS)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def is_broken(text: str) -> bool:
    """Whether a text is not valid UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def shown(text: str) -> str:
    """Return a text as clients see it."""
    return bytes_of(text).decode("utf-8", "replace") if is_broken(text) else text


# Texts are compared byte by byte, and invalid bytes are 0x80 or above.
BEYOND_START = ("\x7f", "\udcff\udcff")
"""All broken texts with the same start lie between that start followed by each of these."""


def start_of_shown(text: str) -> str:
    """Return the valid start of the broken texts that are shown as ``text``."""
    return text.partition(NO_CHARACTER)[0]


def range_of_shown(text: str) -> tuple[str, str]:
    """Return two texts between which all broken texts lie that are shown as ``text``."""
    start = start_of_shown(text)
    low, high = BEYOND_START
    return start + low, start + high
