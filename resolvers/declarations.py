"""What a root field declares of itself: which scope it needs, and how large its pages are."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField

from db.keys import Scope

_STRAWBERRY = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class PageSize:
    """Which arguments say how many rows a page has, and how many it has without them."""

    arguments: tuple[str, ...]
    default: int

    @classmethod
    def of(cls, field: GraphQLField) -> "PageSize | None":
        """What a field of the schema declared, if anything."""
        declared = _metadata(field).get("page_size")
        return declared if isinstance(declared, cls) else None


def declare(scope: Scope, page_size: PageSize | None = None) -> dict[str, object]:
    """The metadata of a root field."""
    return {"scope": scope, "page_size": page_size}


def scope_of(field: GraphQLField) -> Scope | None:
    """The scope that a field of the schema declared, if any."""
    declared = _metadata(field).get("scope")
    return declared if isinstance(declared, Scope) else None


def _metadata(field: GraphQLField) -> dict[Any, Any]:
    definition = field.extensions.get(_STRAWBERRY)
    return {} if definition is None else dict(definition.metadata)
