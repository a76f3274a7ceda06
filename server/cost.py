"""What an operation costs, known before anything of it runs.

Every field costs 1. What is selected in the rows of a list is multiplied by the size of the
page that the list is of: a connection of 50 costs 50 times what its nodes do, and connections
in connections multiply. Sizes in variables are read when the variables are there; the rest is
worked out once for a document. A page that is larger than pages may be counts as the largest,
because it is going to be refused with a message that says so.
"""

from collections.abc import Callable, Iterable, Mapping
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
_Amount = int | Cost
"""A number that is known, or that depends on the variables."""


def _sum(parts: Iterable[_Amount]) -> _Amount:
    known, unknown = 0, []
    for part in parts:
        if isinstance(part, int):
            known += part
        else:
            unknown.append(part)
    if not unknown:
        return known
    return lambda variables: known + sum(part(variables) for part in unknown)


def _product(one: _Amount, other: _Amount) -> _Amount:
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return lambda variables: _amount(one, variables) * _amount(other, variables)


def _amount(amount: _Amount, variables: Variables) -> int:
    return amount if isinstance(amount, int) else amount(variables)


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
    cost = pricing.selections(operation.selection_set, root, 1)
    return (lambda _variables: cost) if isinstance(cost, int) else cost


@dataclass(frozen=True, slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, int]
    max_page_size: int

    def selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, size: _Amount
    ) -> _Amount:
        return _sum(self._selection(node, parent, size) for node in selections.selections)

    def _selection(self, node: object, parent: GraphQLNamedType | None, size: _Amount) -> _Amount:
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
        return 1

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, size: _Amount) -> _Amount:
        if node.selection_set is None:
            return 1
        field = _definition(parent, node.name.value)
        if field is None:
            # What asks about the schema itself: its lists are as long as the schema.
            return _sum((1, self.selections(node.selection_set, None, 1)))
        declared = PageSize.of(field)
        inner_size = self._size(node, declared) if declared else size
        inner = self.selections(node.selection_set, get_named_type(field.type), inner_size)
        return _sum((1, _product(size if _is_list(field) else 1, inner)))

    def _size(self, node: FieldNode, declared: PageSize) -> _Amount:
        for argument in node.arguments or ():
            if argument.name.value not in declared.arguments:
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                return self._bounded(int(value.value))
            if isinstance(value, VariableNode):
                return self._variable(value.name.value, declared.default)
        return self._bounded(declared.default)

    def _variable(self, name: str, default: int) -> _Amount:
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
