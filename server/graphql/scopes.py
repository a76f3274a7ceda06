"""The scopes that an operation needs: those that its root fields declare."""

from collections.abc import Iterator

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from db.keys import Scope
from resolvers.selections import Fragments
from schema.declarations import scope_of


def needed_scopes(
    schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode
) -> frozenset[Scope]:
    """Return the scopes that a valid operation needs, whatever its conditions skip."""
    root = schema.get_root_type(operation.operation)
    scopes = set()
    for name in _root_fields(operation.selection_set, fragments):
        field = root.fields.get(name) if root else None
        # Introspection needs a key, but no scope.
        if field is not None:
            scope = scope_of(field)
            if scope is None:
                raise LookupError(f"the root field {name} declares no scope")
            scopes.add(scope)
    return frozenset(scopes)


def _root_fields(selections: SelectionSetNode, fragments: Fragments) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from _root_fields(fragments[node.name.value].selection_set, fragments)
