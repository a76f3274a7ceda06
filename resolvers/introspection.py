"""Introspection, which graphql-core answers in a thread: its lists are as long as the schema."""

from collections.abc import Iterable
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    execute_sync,
    type_from_ast,
)
from graphql.type import get_named_type, is_specified_scalar_type

from resolvers.arguments import Arguments
from resolvers.context import Run
from resolvers.roots import RootAnswer
from resolvers.selections import Fragments


class IntrospectionFailed(Exception):
    """Introspection met errors; they have their paths."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


def plan_introspection(
    schema: GraphQLSchema,
    fragments: Fragments,
    variables: Iterable[VariableDefinitionNode],
    key: str,
    nodes: list[FieldNode],
) -> RootAnswer:
    """Plan a root field such as ``__schema``; its answer raises IntrospectionFailed."""
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY,
        # Introspection takes texts and flags, whose values stay the same when they are coerced.
        variable_definitions=tuple(
            definition for definition in variables if _is_plain(schema, definition)
        ),
        selection_set=SelectionSetNode(selections=tuple(nodes)),
    )
    document = DocumentNode(definitions=(operation, *fragments.values()))

    async def answer(run: Run, _arguments: Arguments) -> Any:
        result = await run.context.in_thread(
            lambda: execute_sync(schema, document, variable_values=dict(run.variables))
        )
        if result.errors:
            raise IntrospectionFailed(result.errors)
        return (result.data or {})[key]

    return answer


def _is_plain(schema: GraphQLSchema, definition: VariableDefinitionNode) -> bool:
    kind: Any = get_named_type(type_from_ast(schema, definition.type))
    return is_specified_scalar_type(kind)
