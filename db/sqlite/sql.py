"""Render the constructs of ``db.dialect`` as SQLite's SQL."""

from db.dialect import (
    EachOf,
    Exact,
    Folded,
    Greatest,
    Identity,
    Least,
    Listed,
    ListedEscaped,
    ListedNumbers,
    MonthStart,
    NameKey,
    Now,
    Octets,
    OffIndex,
    Packed,
    Parenthesized,
    PositionOf,
    Shown,
    Unescaped,
    Unhexed,
    write_as,
)

CASEFOLD = "gateway_casefold"
"""The function that folds case in every script; SQLite's own ``lower`` knows only ASCII."""
SHOWN = "gateway_shown"
"""The function that shows a text with U+FFFD where it is not UTF-8."""
UNHEXED = "gateway_unhexed"
"""The function that returns the bytes of hexadecimal digits; SQLite has one since 3.41."""
PACKED = "gateway_packed"
"""The aggregate that packs pairs of numbers as bytes."""
IDENTITY = "gateway_identity"
"""The function that hashes bytes."""

_FORMS = {
    MonthStart: (
        "CAST(strftime('%s', ({}) / 1000, 'unixepoch', 'start of month') AS INTEGER) * 1000"
    ),
    Parenthesized: "({})",
    Least: "min({})",
    Greatest: "max({})",
    Now: (
        "(CAST(strftime('%s', 'now') AS INTEGER) * 1000"
        " + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))"
    ),
    # As bytes: text that is not UTF-8 can't be passed to a Python function.
    Folded: f"{CASEFOLD}(CAST({{}} AS BLOB))",
    Shown: f"{SHOWN}(CAST({{}} AS BLOB))",
    Exact: "CAST({} AS TEXT)",
    NameKey: "({})",
    PositionOf: "instr({})",
    Octets: "length(CAST({} AS BLOB))",
    OffIndex: "+{}",
    EachOf: "json_each({})",
    Unescaped: "replace(replace({}, char(1, 98), char(0)), char(1, 97), char(1))",
    Unhexed: f"CAST({UNHEXED}({{}}) AS TEXT)",
    Listed: "(SELECT value FROM json_each({}))",
    ListedNumbers: "(SELECT value FROM json_each({}))",
    Identity: f"{IDENTITY}(CAST({{}} AS BLOB))",
    Packed: f"{PACKED}({{}})",
    ListedEscaped: (
        "(SELECT replace(replace(value, char(1, 98), char(0)), char(1, 97), char(1))"
        " FROM json_each({}))"
    ),
}

write_as("sqlite", _FORMS)
