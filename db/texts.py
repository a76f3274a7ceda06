"""Texts that a table holds and that are not UTF-8.

The database refuses them, but a table may have them from before it did. Inside the gateway such a
text is a ``str`` in which each wrong byte is a lone surrogate (PEP 383), so that it is told apart
from every other text, ordered, and found again. Clients are shown U+FFFD in its place, and may
name it so.
"""

NO_CHARACTER = "\ufffd"
"""What stands for that which is no character."""
_ERRORS = "surrogateescape"


def read_text(raw: bytes) -> str:
    """Read a text as a table holds it, whatever its bytes are."""
    return raw.decode("utf-8", _ERRORS)


def bytes_of(text: str) -> bytes:
    """The bytes that ``read_text`` has read; for any other lone surrogate bytes of its own."""
    try:
        return text.encode("utf-8", _ERRORS)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def is_broken(text: str) -> bool:
    """Whether a text is not UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def shown(text: str) -> str:
    """A text as clients are shown it."""
    return bytes_of(text).decode("utf-8", "replace") if is_broken(text) else text


def range_of_shown(text: str) -> tuple[str, str]:
    """Between which two texts those lie that are not UTF-8 and are shown as ``text``."""
    same = text.partition(NO_CHARACTER)[0]
    # Texts are compared byte by byte, and what is no character begins with a byte from 0x80 on.
    return f"{same}\x7f", f"{same}\udcff\udcff"
