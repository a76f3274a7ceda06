"""Find all errors in the arguments of an operation before anything is read or changed."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
    get_named_type,
    get_variable_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues
from graphql.type import GraphQLField

from db.errors import GatewayError, InvalidInput
from resolvers.arguments import Arguments
from resolvers.checks import Check
from resolvers.context import Context
from resolvers.objects import Nested
from resolvers.roots import ROOTS, Root
from resolvers.row_types import ROW_TYPES
from resolvers.selections import Fragments, NotPlannable, Selected, Selections
from resolvers.statistics import STATISTICS

Path = tuple[str | int, ...]


def argument_errors(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    conditions: Iterable[str],
    variables: Mapping[str, Any],
    context: Context,
) -> list[GraphQLError]:
    """Return all errors in the arguments of an operation's fields.

    Each error has the path of its field, without indexes of lists, because nothing is read yet.
    ``conditions`` are the variables in ``@include`` and ``@skip`` at any depth: a null for one of
    them would otherwise be found only while fields are executed. Errors in the variables themselves
    are left to the executor, which reports them before it runs anything.
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
    found = _Errors(selections, coerced, context, ROOTS[operation.operation])
    with contextlib.suppress(NotPlannable):
        selected: Selected = {}
        selections.collect(operation.selection_set, root, selected, set())
        found.find(selected, root, ())
    return list(found.errors.values())


class _Errors:
    """Errors in the arguments of a selection's fields, at any depth."""

    def __init__(
        self,
        selections: Selections,
        variables: VariableValues,
        context: Context,
        roots: Mapping[str, Root],
    ) -> None:
        self._selections = selections
        self._variables = variables
        self._context = context
        self._roots = roots
        self.errors: dict[tuple[Path, str], GraphQLError] = {}
        """The errors by path and message: each type of an interface would find them again."""

    def find(
        self,
        selected: Selected,
        kind: GraphQLObjectType,
        path: Path,
        parent: Arguments | None = None,
    ) -> None:
        """Find the errors below a path, where an object of a type has these fields.

        ``parent`` are the arguments of the field at the path.
        """
        for key, nodes in selected.items():
            name = nodes[0].name.value
            field = kind.fields.get(name)
            if field is None:
                # Introspection.
                continue
            errors, arguments = self._errors_of(nodes, kind, field, parent)
            for error in errors:
                located = _located(error, [*path, key], nodes)
                self.errors.setdefault(((*path, key), located.message), located)
            for inner in self._objects(field):
                self.find(self._selections.below(nodes, inner), inner, (*path, key), arguments)

    def _errors_of(
        self,
        nodes: list[FieldNode],
        kind: GraphQLObjectType,
        field: GraphQLField,
        parent: Arguments | None,
    ) -> tuple[Iterable[GatewayError], Arguments | None]:
        name = nodes[0].name.value
        check = self._roots[name].check if not self._is_below(kind) else nested_check(kind, name)
        if check is None:
            return (), None
        try:
            given = get_argument_values(field, nodes[0], self._variables)
        except GraphQLError as error:
            return (InvalidInput(error.message),), None
        arguments = Arguments(given, parent)
        return check(arguments, self._context), arguments

    def _is_below(self, kind: GraphQLObjectType) -> bool:
        schema = self._selections.schema
        return kind not in (schema.query_type, schema.mutation_type, schema.subscription_type)

    def _objects(self, field: GraphQLField) -> Iterable[GraphQLObjectType]:
        kind = get_named_type(field.type)
        if isinstance(kind, GraphQLObjectType):
            return (kind,)
        if not is_abstract_type(kind):
            return ()
        # In one order, whatever that of the types is in the schema.
        return sorted(self._selections.schema.get_possible_types(kind), key=lambda each: each.name)


def nested_check(kind: GraphQLObjectType, name: str) -> Check | None:
    """Return the check of the arguments of a field below the root; None if it needs none."""
    if kind.name == "ExecutionStats" and name in STATISTICS:
        return STATISTICS[name].check
    described = ROW_TYPES.get(kind.name, {}).get(name)
    return described.check if isinstance(described, Nested) else None


def _located(error: GatewayError, path: list[str | int], nodes: list[FieldNode]) -> GraphQLError:
    return GraphQLError(error.message, nodes, path=path, original_error=error)


def _condition_error(name: str, operation: OperationDefinitionNode) -> GraphQLError:
    nodes = [
        definition
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value == name
    ]
    error = InvalidInput(f"${name} must be true or false, as @include and @skip need it; got null")
    return GraphQLError(error.message, nodes, original_error=error)
