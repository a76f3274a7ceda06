"""Metadata of fields: the scope they need, and how many rows they return."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField

from db.keys import Scope

_STRAWBERRY = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class PageSize:
    """The arguments with the page size, and the default."""

    arguments: tuple[str, ...]
    default: int

    @classmethod
    def of(cls, field: GraphQLField) -> "PageSize | None":
        """Return what a field of the schema declares, or None."""
        declared = _metadata(field).get("page_size")
        return declared if isinstance(declared, cls) else None


@dataclass(frozen=True, slots=True)
class NamedRows:
    """The argument that names the rows, and the field of a row that it names them by.

    A row is in one list of the payload at most.
    """

    argument: str
    key: str

    @classmethod
    def of(cls, field: GraphQLField) -> "NamedRows | None":
        """Return what a field of the schema declares, or None."""
        declared = _metadata(field).get("named_rows")
        return declared if isinstance(declared, cls) else None


def declare(
    scope: Scope, page_size: PageSize | None = None, named_rows: NamedRows | None = None
) -> dict[str, object]:
    """Return the metadata of a root field."""
    return {"scope": scope, "page_size": page_size, "named_rows": named_rows}


def scope_of(field: GraphQLField) -> Scope | None:
    """Return the scope that a field of the schema declares, or None."""
    declared = _metadata(field).get("scope")
    return declared if isinstance(declared, Scope) else None


def _metadata(field: GraphQLField) -> dict[Any, Any]:
    definition = field.extensions.get(_STRAWBERRY)
    return {} if definition is None else dict(definition.metadata)
