"""Custom scalars: instants, large integers and JSON."""

from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError

from db.errors import quote
from db.instants import format_iso, parse_iso

DateTime = NewType("DateTime", datetime)
"""An instant: a datetime with an offset."""
BigInt = NewType("BigInt", int)
"""An integer of up to 53 bits."""

JSON = NewType("JSON", object)
"""Any JSON value."""

_LARGEST_BIG_INT = 2**53


def _parse_datetime(value: Any) -> datetime:
    reason = "it is no text"
    if isinstance(value, str):
        try:
            instant = parse_iso(value)
            if instant.tzinfo is not None:
                return instant
            reason = "it has no offset"
        except ValueError as error:
            reason = str(error)
    raise GraphQLError(
        "DateTime must be ISO 8601 with an offset or Z, such as "
        f'"2023-11-14T22:13:20.000Z"; got {quote(value)}: {reason}'
    )


def _parse_big_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_BIG_INT:
        return value
    raise GraphQLError(f"BigInt must be an integer of at most 2^53; got {quote(value)}")


SCALARS: dict[object, Any] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant in ISO 8601. Responses are in UTC with milliseconds, such as "
            "2023-11-14T22:13:20.000Z; arguments need an offset or Z."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=format_iso,
        parse_value=_parse_datetime,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer of up to 2^53, written as a JSON number.",
        serialize=int,
        parse_value=_parse_big_int,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as it was written: an object, a list, a text, a number, ...",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
"""The scalars' definitions for Strawberry."""
