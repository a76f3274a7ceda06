"""Texts in PostgreSQL's SQL that may have any character, `$$` too, such as a schema's name."""


def dollar_quoted(text: str) -> str:
    """Return a text as a literal between tags that are nowhere in it, `$$` if they can be."""
    tag = "$$"
    while tag in text or text.endswith(tag[:-1]):
        tag = f"{tag[:-1]}_$"
    return f"{tag}{text}{tag}"
