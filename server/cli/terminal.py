"""Make text safe to print: terminals act on control characters."""

_KEPT = "\n\t"


def printable(text: str) -> str:
    r"""Return the text with non-printable characters escaped, such as ``\x1b``.

    Line feeds and tabs are kept.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in _KEPT else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    # A surrogate stands for a byte that is not UTF-8.
    return character.encode("unicode_escape", "surrogatepass").decode()
