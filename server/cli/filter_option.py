"""The option that takes a filter, as GraphQL clients write it."""

from typing import Any

from graphql import get_variable_values, parse

from db.errors import InvalidInput
from db.reading.filters import Filter
from resolvers.arguments import to_filter
from resolvers.schema import build_schema
from server.http.json_text import read_json

_OPERATION = "query ($filter: ExecutionFilter) { __typename }"


def read_filter(written: str, max_values: int) -> Filter:
    """Return the filter that the JSON of GraphQL's ExecutionFilter means.

    ``max_values`` is how many values its lists may have together. Raises InvalidInput with the
    message that a GraphQL client would get.
    """
    given: Any = read_json("--filter", written.encode("utf-8", "surrogateescape"))
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to it
    [operation] = parse(_OPERATION).definitions
    definitions = operation.variable_definitions  # type: ignore[attr-defined]
    coerced = get_variable_values(schema, definitions, {"filter": given})
    if isinstance(coerced, list):
        raise InvalidInput("; ".join(error.message for error in coerced))
    return to_filter(coerced.coerced["filter"], max_values)
