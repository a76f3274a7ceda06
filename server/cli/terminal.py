"""Text on a terminal, which takes orders from what is printed on it."""

_SPARED = "\n\t"


def printable(text: str) -> str:
    r"""A text in which characters that a terminal would act on are written out, such as ``\x1b``.

    Line feeds and tabs stay; so do all characters that can be seen.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _SPARED else _written_out(each) for each in text
    )


def _written_out(character: str) -> str:
    # A surrogate can't be encoded; it stands for a byte that is no UTF-8.
    return character.encode("unicode_escape", "surrogatepass").decode()
