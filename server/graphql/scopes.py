"""The scopes that an operation needs: those that its fields declare."""

from collections.abc import Iterator

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from db.keys import Scope
from resolvers.selections import Fragments
from schema.declarations import scope_of


def needed_scopes(
    schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode
) -> frozenset[Scope]:
    """Return the scopes that a valid operation needs, whatever its conditions skip.

    A field below a mutation that reads more than the change returns needs the scope to read.
    """
    root = schema.get_root_type(operation.operation)
    scopes = set()
    for parent, field in _fields(schema, fragments, operation.selection_set, root):
        scope = scope_of(field)
        if scope is not None:
            scopes.add(scope)
        elif parent is root:
            raise LookupError(f"a root field of {parent.name} declares no scope")
    return frozenset(scopes)


def _fields(
    schema: GraphQLSchema,
    fragments: Fragments,
    selections: SelectionSetNode,
    root: GraphQLNamedType | None,
) -> Iterator[tuple[GraphQLNamedType, GraphQLField]]:
    """Yield every selected field with its type, but for introspection, which needs no scope."""
    spread: set[str] = set()
    waiting: list[tuple[SelectionSetNode, GraphQLNamedType | None]] = [(selections, root)]
    while waiting:
        selections, parent = waiting.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                field = (
                    parent.fields.get(node.name.value)
                    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
                    else None
                )
                if parent is not None and field is not None:
                    yield parent, field
                    if node.selection_set is not None:
                        waiting.append((node.selection_set, get_named_type(field.type)))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = schema.get_type(condition.name.value) if condition else parent
                waiting.append((node.selection_set, inner))
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = fragments[node.name.value]
                inner = schema.get_type(fragment.type_condition.name.value)
                waiting.append((fragment.selection_set, inner))
