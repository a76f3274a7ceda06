"""Render the constructs of ``db.dialect`` as PostgreSQL's SQL."""

from typing import Any

from sqlalchemy.ext.compiler import compiles

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

_FORMS = {
    MonthStart: (
        "CAST(extract(epoch FROM date_trunc('month', to_timestamp(({}) / 1000)"
        " AT TIME ZONE 'UTC')) AS bigint) * 1000"
    ),
    Parenthesized: "({})",
    Least: "least({})",
    Greatest: "greatest({})",
    Now: "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
    Folded: "gateway_casefold({})",
    # An entry of an index has at most some 2,700 bytes.
    NameKey: "left({}, 200)",
    PositionOf: "strpos({})",
    # The server stores valid UTF-8 only.
    Exact: "{}",
    Shown: "{}",
    # The planner estimates rows well, and seeks to a row value in an index.
    OffIndex: "{}",
    Octets: "octet_length({})",
    EachOf: "json_array_elements_text(CAST({} AS json))",
    Unescaped: "replace(replace({}, chr(1) || 'b', chr(65535)), chr(1) || 'a', chr(1))",
    # No text here is like that, and none has this character.
    Unhexed: "left({}, 0) || chr(65535)",
    Listed: "(SELECT json_array_elements_text(CAST({} AS json)))",
    ListedNumbers: (
        "(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST({} AS json)) AS value)"
    ),
    Identity: "hashtextextended({}, 0)",
    # PostgreSQL stores no null character, and no text contains its substitute U+FFFF.
    ListedEscaped: (
        "(SELECT replace(replace(json_array_elements_text(CAST({} AS json)),"
        " chr(1) || 'b', chr(65535)), chr(1) || 'a', chr(1)))"
    ),
}

write_as("postgresql", _FORMS)


@compiles(Packed, "postgresql")
def _write_packed(element: Any, compiler: Any, **options: Any) -> str:
    sent = (f"int8send({compiler.process(each, **options)})" for each in element.clauses)
    return f"string_agg({' || '.join(sent)}, ''::bytea)"
