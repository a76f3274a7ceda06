"""What an operation costs, known before anything of it runs.

Every field costs 1. What is selected in the rows of a list is multiplied by the size of the
page that the list is of: a connection of 50 costs 50 times what its nodes do, and connections
in connections multiply. Sizes in variables are read when the variables are there; the rest is
worked out once for a document. A page that is larger than pages may be counts as the largest,
because it is going to be refused with a message that says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from resolvers.declarations import PageSize

Variables = Mapping[str, Any]
Cost = Callable[[Variables], int]
"""The cost of something, for the variables that it is run with."""
_Size = Callable[[Variables], int]


def _one(_variables: Variables) -> int:
    return 1


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    max_page_size: int,
) -> Cost:
    """Work out what a valid operation costs, with pages of at most ``max_page_size``."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    defaults = {
        definition.variable.name.value: int(definition.default_value.value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }
    root = schema.get_root_type(operation.operation)
    pricing = _Pricing(schema, fragments, defaults, max_page_size)
    return pricing.selections(operation.selection_set, root, _one)


@dataclass(frozen=True, slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, int]
    max_page_size: int

    def selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, size: _Size
    ) -> Cost:
        parts = [self._selection(node, parent, size) for node in selections.selections]
        return lambda variables: sum(part(variables) for part in parts)

    def _selection(self, node: object, parent: GraphQLNamedType | None, size: _Size) -> Cost:
        if isinstance(node, FieldNode):
            return self._field(node, parent, size)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self.schema.get_type(condition.name.value) if condition else parent
            return self.selections(node.selection_set, inner, size)
        if isinstance(node, FragmentSpreadNode):
            definition = self.fragments[node.name.value]
            inner = self.schema.get_type(definition.type_condition.name.value)
            return self.selections(definition.selection_set, inner, size)
        return _one

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, size: _Size) -> Cost:
        if node.selection_set is None:
            return _one
        field = _definition(parent, node.name.value)
        if field is None:
            # What asks about the schema itself: its lists are as long as the schema.
            return self._plus_one(self.selections(node.selection_set, None, _one), _one)
        declared = PageSize.of(field)
        inner_size = self._size(node, declared) if declared else size
        inner = self.selections(node.selection_set, get_named_type(field.type), inner_size)
        times = size if _is_list(field) else _one
        return self._plus_one(inner, times)

    @staticmethod
    def _plus_one(inner: Cost, times: _Size) -> Cost:
        if times is _one:
            return lambda variables: 1 + inner(variables)
        return lambda variables: 1 + times(variables) * inner(variables)

    def _size(self, node: FieldNode, declared: PageSize) -> _Size:
        for argument in node.arguments or ():
            if argument.name.value not in declared.arguments:
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                return self._constant(int(value.value))
            if isinstance(value, VariableNode):
                return self._variable(value.name.value, declared.default)
        return self._constant(declared.default)

    def _constant(self, size: int) -> _Size:
        bounded = self._bounded(size)
        return lambda _variables: bounded

    def _variable(self, name: str, default: int) -> _Size:
        when_left_out = self.defaults.get(name, default)

        def size(variables: Variables) -> int:
            value = variables.get(name, when_left_out)
            return self._bounded(value if isinstance(value, int) else default)

        return size

    def _bounded(self, size: int) -> int:
        return min(max(0, size), self.max_page_size)


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        field: GraphQLField | None = parent.fields.get(name)
        return field
    return None


def _is_list(field: GraphQLField) -> bool:
    kind = field.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
