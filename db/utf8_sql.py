"""Whether a text is UTF-8, in SQL of SQLite, which takes any bytes for a text."""

# unicode() reads whatever bytes there are, and char() writes UTF-8: another character comes out if
# they are not. The two that unicode() does not tell are U+FFFE and U+FFFF. The text is taken in
# pieces, since each step copies what is left of one.
_NOT_UTF8 = (
    "EXISTS (WITH RECURSIVE piece (part, rest) AS"
    " (SELECT substr({0}, 1, 64), substr({0}, 65)"
    " UNION ALL SELECT substr(rest, 1, 64), substr(rest, 65) FROM piece WHERE rest <> '')"
    " SELECT 1 FROM piece WHERE EXISTS (WITH RECURSIVE step (rest) AS"
    " (SELECT piece.part UNION ALL SELECT substr(rest, 2) FROM step WHERE rest <> '')"
    " SELECT 1 FROM step WHERE rest <> '' AND substr(rest, 1, 1) <> char(unicode(rest))"
    " AND CAST(substr(rest, 1, 1) AS BLOB) NOT IN (X'EFBFBE', X'EFBFBF')))"
)


def sqlite_not_utf8(value: str) -> str:
    """Return a condition: whether a text has bytes in it that are not UTF-8.

    A text of 10,000 bytes takes 3 ms; ask first whether it is plain ASCII.
    """
    return _NOT_UTF8.format(value)
