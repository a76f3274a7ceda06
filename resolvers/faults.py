"""Everything that is wrong with the arguments of an operation, each fault with its path."""

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


def faults_of(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    conditions: Iterable[str],
    variables: Mapping[str, Any],
    context: Context,
) -> list[GraphQLError]:
    """Find everything that is wrong with the arguments of an operation's root fields.

    Each error names its field by its path. ``conditions`` are the variables that ``@include`` and
    ``@skip`` name, in whatever depth: null for one of them would be found while fields are
    answered. What is wrong with the variables themselves is left to the executor, which says so
    before it runs anything.
    """
    root = schema.get_root_type(operation.operation)
    definitions = operation.variable_definitions or ()
    coerced = get_variable_values(schema, definitions, dict(variables))
    if root is None or isinstance(coerced, list):
        return []
    unknown = [name for name in conditions if not isinstance(coerced.coerced.get(name), bool)]
    if unknown:
        return [_condition_fault(name, operation) for name in unknown]
    selections = Selections(schema, fragments, coerced.coerced)
    selected: Selected = {}
    try:
        selections.collect(operation.selection_set, root, selected, set())
    except NotPlannable:
        return []
    faults: list[GraphQLError] = []
    for key, nodes in selected.items():
        field = root.fields.get(nodes[0].name.value)
        if field is None:
            # What asks about the schema itself.
            continue
        try:
            given = get_argument_values(field, nodes[0], coerced)
        except GraphQLError as fault:
            faults.append(_located(InvalidInput(fault.message), key, nodes))
            continue
        check = ROOTS[operation.operation][nodes[0].name.value].check
        faults += [_located(fault, key, nodes) for fault in check(Arguments(given), context)]
    return faults


def _located(fault: GatewayError, key: str, nodes: list[FieldNode]) -> GraphQLError:
    return GraphQLError(fault.message, nodes, path=[key], original_error=fault)


def _condition_fault(name: str, operation: OperationDefinitionNode) -> GraphQLError:
    nodes = [
        definition
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value == name
    ]
    fault = InvalidInput(f"${name} must be true or false, as @include and @skip need it; got null")
    return GraphQLError(fault.message, nodes, original_error=fault)
