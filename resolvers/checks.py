"""Check the arguments of root fields before any of them reads or changes anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
    get_variable_values,
)

from db.errors import GatewayError, InvalidInput
from resolvers.arguments import Arguments
from resolvers.context import Context
from resolvers.page_arguments import check_number, offset_errors, page_argument_errors
from resolvers.selections import Fragments, NotPlannable, Selected, Selections

_Check = Callable[[Arguments, Context], Iterable[GatewayError]]
"""Yields all errors in the arguments of a root field."""


def _filter(arguments: Arguments, bounds: Context) -> Iterator[GatewayError]:
    try:
        arguments.filter(bounds.max_ids)
    except InvalidInput as error:
        yield error


def _connection(arguments: Arguments, bounds: Context) -> Iterator[GatewayError]:
    yield from _filter(arguments, bounds)
    yield from page_argument_errors(arguments.order, bounds.max_page_size, arguments.given)


def _page(arguments: Arguments, bounds: Context) -> Iterator[GatewayError]:
    yield from _filter(arguments, bounds)
    yield from offset_errors(arguments["page"], arguments["limit"], bounds.max_page_size)


def _guids(arguments: Arguments, bounds: Context) -> Iterator[GatewayError]:
    try:
        check_number(arguments["guids"], bounds.max_ids)
    except InvalidInput as error:
        yield error


def _nothing(_arguments: Arguments, _bounds: Context) -> Iterable[GatewayError]:
    return ()


ROOT_CHECKS: Mapping[str, _Check] = {
    "execution": _nothing,
    "executions": _connection,
    "executionPage": _page,
    "updateExecution": _nothing,
    "updateExecutions": _guids,
    "deleteExecution": _nothing,
    "deleteExecutions": _guids,
}
"""The check of each root field of queries and mutations."""


def argument_errors(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    conditions: Iterable[str],
    variables: Mapping[str, Any],
    bounds: Context,
) -> list[GraphQLError]:
    """Return all errors in the arguments of an operation's root fields.

    Each error has the path of its field. ``conditions`` are the variables in ``@include`` and
    ``@skip`` at any depth: a null for one of them would otherwise be found only while fields are
    executed. Errors in the variables themselves are left to the executor, which reports them before
    it runs anything.
    """
    root = schema.get_root_type(operation.operation)
    definitions = operation.variable_definitions or ()
    coerced = get_variable_values(schema, definitions, dict(variables))
    if root is None or isinstance(coerced, list):
        return []
    unknown = [name for name in conditions if not isinstance(coerced.coerced.get(name), bool)]
    if unknown:
        return [_condition_error(name, operation) for name in unknown]
    selections = Selections(schema, fragments, coerced.coerced)
    selected: Selected = {}
    try:
        selections.collect(operation.selection_set, root, selected, set())
    except NotPlannable:
        return []
    errors: list[GraphQLError] = []
    for key, nodes in selected.items():
        field = root.fields.get(nodes[0].name.value)
        if field is None:
            # Introspection.
            continue
        try:
            given = get_argument_values(field, nodes[0], coerced)
        except GraphQLError as error:
            errors.append(_located(InvalidInput(error.message), key, nodes))
            continue
        found = ROOT_CHECKS[nodes[0].name.value](Arguments(given), bounds)
        errors += [_located(error, key, nodes) for error in found]
    return errors


def _located(error: GatewayError, key: str, nodes: list[FieldNode]) -> GraphQLError:
    return GraphQLError(error.message, nodes, path=[key], original_error=error)


def _condition_error(name: str, operation: OperationDefinitionNode) -> GraphQLError:
    nodes = [
        definition
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value == name
    ]
    error = InvalidInput(f"${name} must be true or false, as @include and @skip need it; got null")
    return GraphQLError(error.message, nodes, original_error=error)
