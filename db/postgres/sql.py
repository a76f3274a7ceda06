"""How PostgreSQL writes what is written differently from one kind of database to another."""

from db.dialect import (
    Apart,
    EachOf,
    Exact,
    Folded,
    Greatest,
    Least,
    Listed,
    ListedEscaped,
    OffIndex,
    PlaceOf,
    Shown,
    write_as,
)

_FORMS = {
    Apart: "({})",
    Least: "least({})",
    Greatest: "greatest({})",
    Folded: "gateway_casefold({})",
    PlaceOf: "strpos({})",
    # The server stores nothing that is not UTF-8.
    Exact: "{}",
    Shown: "{}",
    # The planner knows how many rows to expect, and enters a row value at its position.
    OffIndex: "{}",
    EachOf: "json_array_elements_text(CAST({} AS json))",
    Listed: "(SELECT json_array_elements_text(CAST({} AS json)))",
    # No text that is stored here has a null character, nor the one that stands for it.
    ListedEscaped: (
        "(SELECT replace(replace(json_array_elements_text(CAST({} AS json)),"
        " chr(1) || 'b', chr(65535)), chr(1) || 'a', chr(1)))"
    ),
}

write_as("postgresql", _FORMS)
