"""Find all errors in the arguments of an operation before anything is read or changed."""

from collections.abc import Iterable, Mapping
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
from resolvers.roots import ROOTS
from resolvers.selections import Fragments, NotPlannable, Selected, Selections


def argument_errors(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    conditions: Iterable[str],
    variables: Mapping[str, Any],
    context: Context,
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
        check = ROOTS[operation.operation][nodes[0].name.value].check
        errors += [_located(error, key, nodes) for error in check(Arguments(given), context)]
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
