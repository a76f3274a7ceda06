"""Finds all faults in the arguments of an operation, before any of it runs."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_argument_values,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.values import VariableValues

from tests.reference.checks import CHECKS
from tests.reference.table import Table

Path = tuple[str | int, ...]
_Selected = dict[str, list[FieldNode]]


def faults_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    values: VariableValues,
    table: Table,
) -> list[Path]:
    """The path of each fault, without indexes; a fault in several types of a field counts once."""
    root = schema.get_root_type(operation.operation)
    assert root is not None
    walk = _Walk(schema, document, values, table)
    faults = walk.faults(root, [operation.selection_set], (), {})
    return [path for path, _ in dict.fromkeys(faults)]


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, values: VariableValues, table: Table
    ) -> None:
        self._schema = schema
        self._values = values
        self._table = table
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

    def faults(
        self,
        kind: GraphQLObjectType,
        sets: list[SelectionSetNode],
        path: Path,
        above: dict[str, Any],
    ) -> Iterator[tuple[Path, str]]:
        """The faults of what is selected of a type, each with the reason for it."""
        selected: _Selected = {}
        spread: set[str] = set()
        for each in sets:
            self._collect(kind, each, selected, spread)
        for key, nodes in selected.items():
            name = nodes[0].name.value
            if name not in kind.fields:
                continue
            field, given = kind.fields[name], {}
            try:
                given = get_argument_values(field, nodes[0], self._values)
            except GraphQLError as error:
                yield (*path, key), error.message
            else:
                if check := CHECKS.get(f"{kind.name}.{name}"):
                    for reason in check(self._table, given, above):
                        yield (*path, key), reason
            below = [node.selection_set for node in nodes if node.selection_set]
            for inner in self._objects(get_named_type(field.type)):
                yield from self.faults(inner, below, (*path, key), given)

    def _objects(self, kind: Any) -> list[GraphQLObjectType]:
        if is_object_type(kind):
            return [kind]
        return list(self._schema.get_possible_types(kind)) if is_abstract_type(kind) else []

    def _collect(
        self,
        kind: GraphQLObjectType,
        selections: SelectionSetNode,
        selected: _Selected,
        spread: set[str],
    ) -> None:
        """Collect the fields of a type by their keys (GraphQL, section 6.3.2)."""
        for node in selections.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                selected.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition
                if on is None or self._is_among(kind, on.name.value):
                    self._collect(kind, node.selection_set, selected, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._is_among(kind, fragment.type_condition.name.value):
                    self._collect(kind, fragment.selection_set, selected, spread)

    def _is_among(self, kind: GraphQLObjectType, name: str) -> bool:
        wanted: Any = self._schema.get_type(name)
        return wanted is kind or (
            is_abstract_type(wanted) and self._schema.is_sub_type(wanted, kind)
        )

    def _is_included(self, node: Any) -> bool:
        for directive in node.directives or ():
            [condition] = [each.value for each in directive.arguments]
            if isinstance(condition, VariableNode):
                value = bool(self._values.coerced[condition.name.value])
            else:
                assert isinstance(condition, BooleanValueNode)
                value = condition.value
            if value != (directive.name.value == "include"):
                return False
        return True
