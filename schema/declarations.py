"""Metadata of fields: the scope they need, how many rows they return, and what they cost."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLField

from db.keys import Scope

_STRAWBERRY = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class PageSize:
    """The arguments with the page size, the default, and the fields that need no rows."""

    arguments: tuple[str, ...]
    default: int
    without_rows: tuple[str, ...] = ("totalCount",)


@dataclass(frozen=True, slots=True)
class IdList:
    """The argument that names the rows, one by one."""

    argument: str


@dataclass(frozen=True, slots=True)
class AtMost:
    """The number of rows that a list has at most, or usually at most."""

    rows: int


@dataclass(frozen=True, slots=True)
class NamedRows:
    """The argument that names the rows of a payload, and the field of a row it names them by.

    A row is in one list of the payload at most.
    """

    argument: str
    key: str


Rows = PageSize | IdList | AtMost | NamedRows
"""How many rows a field returns: in its own list, or in the lists of its object."""


def declare(
    scope: Scope | None = None, rows: Rows | None = None, weight: int = 1
) -> dict[str, object]:
    """Return the metadata of a field; ``weight`` is what it costs besides what is selected in it.

    Every root field has a scope, and so has every other field that reads.
    """
    return {"scope": scope, "rows": rows, "weight": weight}


def declare_enum(
    kind: type[enum.Enum],
    description: str,
    meanings: Mapping[Any, str],
    name: str | None = None,
) -> None:
    """Make an enum of ``db`` one of the schema, with a description of each member.

    It has the name of its class unless another ``name`` is given.
    """
    strawberry.enum(kind, name=name, description=description)
    for value in kind.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = meanings[kind(value.value)]


def scope_of(field: GraphQLField) -> Scope | None:
    """Return the scope that a field of the schema declares, or None."""
    declared = _metadata(field).get("scope")
    return declared if isinstance(declared, Scope) else None


def rows_of(field: GraphQLField) -> Rows | None:
    """Return how many rows a field of the schema declares, or None."""
    declared = _metadata(field).get("rows")
    return declared if isinstance(declared, Rows) else None


def weight_of(field: GraphQLField) -> int:
    """Return what a field of the schema costs besides what is selected in it."""
    weight = _metadata(field).get("weight", 1)
    return weight if isinstance(weight, int) else 1


def _metadata(field: GraphQLField) -> dict[Any, Any]:
    definition = field.extensions.get(_STRAWBERRY)
    return {} if definition is None else dict(definition.metadata)
