"""The OpenAPI document of the REST routes, and whether values fit its schemas."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from server.rest.openapi import openapi_document

DOCUMENT = openapi_document("", max_page_size=1000, max_ids=10_000, needs_key=True)
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KEYWORDS = {
    "$ref",
    "type",
    "enum",
    "const",
    "required",
    "properties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "minimum",
    "maximum",
    "pattern",
    "default",
    "description",
}


def problems(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value breaks a JSON schema; a keyword that is unknown here is a problem too."""
    if unknown := set(schema) - _KEYWORDS:
        yield f"{at}: unknown keywords {unknown}"
    if "$ref" in schema:
        yield from problems(value, resolve(schema["$ref"]), at)
    kinds = schema.get("type", list(_TYPES))
    if not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{at}: {value!r} is no {kinds}"
    elif isinstance(value, dict):
        yield from _problems_of_members(value, schema, at)
    elif isinstance(value, list):
        yield from _problems_of_items(value, schema, at)
    else:
        yield from _problems_of_scalar(value, schema, at)


def _problems_of_members(
    value: dict[str, Any], schema: Mapping[str, Any], at: str
) -> Iterator[str]:
    yield from (f"{at}: no {name}" for name in schema.get("required", ()) if name not in value)
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from problems(value[name], inner, f"{at}.{name}")


def _problems_of_items(value: list[Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    for number, item in enumerate(value):
        yield from problems(item, schema.get("items", {}), f"{at}[{number}]")


def _problems_of_scalar(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    checks: dict[str, Callable[[Any], bool]] = {
        "enum": lambda allowed: value in allowed,
        "const": lambda only: value is only,
        "minimum": lambda least: value >= least,
        "maximum": lambda most: value <= most,
        "minLength": lambda least: len(value) >= least,
        "pattern": lambda pattern: re.search(pattern, value) is not None,
    }
    for keyword, holds in checks.items():
        if keyword in schema and not holds(schema[keyword]):
            yield f"{at}: {value!r} breaks {keyword} {schema[keyword]!r}"


def _is(value: Any, kind: str) -> bool:
    is_number = kind in {"integer", "number"}
    return isinstance(value, _TYPES[kind]) and not (is_number and isinstance(value, bool))


def resolve(reference: str) -> dict[str, Any]:
    found: Any = DOCUMENT
    root, *names = reference.split("/")
    assert root == "#"
    for name in names:
        found = found[name]
    assert isinstance(found, dict)
    return found


def is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    return not list(problems(value, schema))


def schema_of(path: str, method: str, status: int) -> dict[str, Any]:
    response = DOCUMENT["paths"][path][method]["responses"][str(status)]
    schema: dict[str, Any] = response["content"]["application/json"]["schema"]
    return schema
