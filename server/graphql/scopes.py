"""Which scopes an operation needs: those that its root fields declare."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from db.keys import Scope
from resolvers.declarations import scope_of


def needed_scopes(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> frozenset[Scope]:
    """The scopes that a valid operation needs, whatever its variables leave out of it."""
    root = schema.get_root_type(operation.operation)
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    scopes = set()
    for name in _root_fields(operation.selection_set, fragments):
        field = root.fields.get(name) if root else None
        # What asks about the schema itself needs a key, and no scope.
        if field is not None:
            scope = scope_of(field)
            if scope is None:
                raise LookupError(f"the root field {name} declares no scope")
            scopes.add(scope)
    return frozenset(scopes)


def _root_fields(
    selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from _root_fields(fragments[node.name.value].selection_set, fragments)
