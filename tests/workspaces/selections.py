"""Documents that select everything that a field leads to."""

from collections.abc import Collection
from typing import Any

from graphql import (
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)

from resolvers.schema import build_schema

SCHEMA: Any = build_schema()._schema
_BY_THE_CLOCK = ("updatedOn", "finishedOn", "durationMs")


def everything(kind: Any, depth: int = 4, without: Collection[str] = (), prefix: str = "") -> str:
    """A selection of all fields of a type, to a depth, which need no arguments."""
    if is_abstract_type(kind):
        parts = [
            # Fields of the same name have different types.
            f"... on {each} {everything(each, depth, without, f'{each}_')}"
            for each in SCHEMA.get_possible_types(kind)
        ]
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(kind, GraphQLObjectType)
    selected = ["__typename"]
    for name, field in kind.fields.items():
        if name in without or any(map(is_required_argument, field.args.values())):
            continue
        inner = get_named_type(field.type)
        key = f"{prefix}{name}: {name}" if prefix else name
        if not is_composite_type(inner):
            selected.append(key)
        elif depth > 0:
            selected.append(f"{key} {everything(inner, depth - 1, without)}")
    return f"{{ {' '.join(selected)} }}"


def asking(root: str, arguments: str = "", *, kind: str = "query", depth: int = 4) -> str:
    """An operation with one root field, and everything that it leads to.

    What changes say of the clock, and cursors of events, differ from run to run and are left out.
    """
    type_ = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type}.get(
        kind, SCHEMA.subscription_type
    )
    field = type_.fields[root]
    inner = get_named_type(field.type)
    given = f"({arguments})" if arguments else ""
    if not is_composite_type(inner):
        return f"{kind} {{ {root}{given} }}"
    without = () if kind == "query" else (*_BY_THE_CLOCK, *(["cursor"] * (kind != "mutation")))
    if kind == "mutation":
        depth = min(depth, 3)
    return f"{kind} {{ {root}{given} {everything(inner, depth, without)} }}"
