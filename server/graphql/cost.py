"""The cost of an operation, computed before it runs.

Every field costs 1, unless it declares that it costs more. Selections in the rows of a list are
multiplied by the list's page size: a connection of 50 costs 50 times what its nodes do, and at
least 50, because its rows are read whatever is selected in them. Nested connections multiply. Page
sizes in variables are read from the request's variables, as graphql-core coerces them; the rest is
computed once for a document. A page larger than the maximum counts as the largest, because it will
be refused with a clearer message.

A change of many executions returns as many rows as the client names, each in one list at most, so
the most expensive of these lists counts. Their guids cost nothing: the client has sent them.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from resolvers.selections import TYPENAME, Fragments
from schema.declarations import AtMost, IdList, NamedRows, PageSize, Rows, rows_of, weight_of

_T = TypeVar("_T")
Variables = Mapping[str, Any]
Cost = Callable[[Variables], int]
"""Returns the cost of a part of an operation, for its variables."""
_Amount = int | Cost
"""A number, or a function of the variables that returns one."""


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


def _largest(parts: Iterable[_Amount]) -> _Amount:
    known, unknown = 0, []
    for part in parts:
        if isinstance(part, int):
            known = max(known, part)
        else:
            unknown.append(part)
    if not unknown:
        return known
    return lambda variables: max(known, *(part(variables) for part in unknown))


def _product(one: _Amount, other: _Amount) -> _Amount:
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return lambda variables: _amount(one, variables) * _amount(other, variables)


def _amount(amount: _Amount, variables: Variables) -> int:
    return amount if isinstance(amount, int) else amount(variables)


def cost_of(
    schema: GraphQLSchema,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    *,
    max_page_size: int,
    max_ids: int,
) -> Cost:
    """Return the cost function of a valid operation.

    Pages have at most ``max_page_size`` rows, and a change names at most ``max_ids``.
    """
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    root = schema.get_root_type(operation.operation)
    pricing = _Pricing(schema, fragments, defaults, max_page_size, max_ids)
    cost = pricing.selections(operation.selection_set, root, 1)
    return (lambda _variables: cost) if isinstance(cost, int) else cost


@dataclass(frozen=True, slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: Fragments
    defaults: Mapping[str, Any]
    max_page_size: int
    max_ids: int
    free: str | None = None
    """The field that costs nothing."""

    def selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, size: _Amount
    ) -> _Amount:
        return _sum(self._selection(node, parent, size) for node in selections.selections)

    def _selection(self, node: object, parent: GraphQLNamedType | None, size: _Amount) -> _Amount:
        if isinstance(node, FieldNode):
            return self._field(node, parent, size)
        if isinstance(node, FragmentSpreadNode):
            node = self.fragments[node.name.value]
        if isinstance(node, InlineFragmentNode | FragmentDefinitionNode):
            return self.selections(node.selection_set, self._narrowed(node, parent), size)
        return 1

    def _narrowed(
        self,
        node: InlineFragmentNode | FragmentDefinitionNode,
        parent: GraphQLNamedType | None,
    ) -> GraphQLNamedType | None:
        condition = node.type_condition
        return self.schema.get_type(condition.name.value) if condition else parent

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, size: _Amount) -> _Amount:
        field = _definition(parent, node.name.value)
        weight = 1 if field is None else weight_of(field)
        if node.selection_set is None:
            return weight if node.name.value != self.free else 0
        if field is None:
            # Introspection: its lists are as long as the schema.
            return _sum((1, self.selections(node.selection_set, None, 1)))
        rows = rows_of(field)
        if isinstance(rows, NamedRows):
            return _sum((1, self._payload(node, field, rows)))
        # Only the fields of the rows themselves are free.
        pricing = self if self.free is None else dataclasses.replace(self, free=None)
        kind = get_named_type(field.type)
        own_size = self._size_of(node, rows)
        if _is_list(field):
            inner = pricing.selections(node.selection_set, kind, 1)
            return _sum((weight, _product(size if own_size is None else own_size, inner)))
        if own_size is None:
            return _sum((1, pricing.selections(node.selection_set, kind, size)))
        inner = pricing.selections(node.selection_set, kind, own_size)
        if isinstance(rows, PageSize) and self._reads_rows(node.selection_set, rows):
            # They are read even if only cursors are selected.
            inner = _largest((inner, own_size))
        return _sum((1, inner))

    def _reads_rows(self, selections: SelectionSetNode, rows: PageSize) -> bool:
        """Whether a selection in a page needs its rows."""
        for node in selections.selections:
            inner: object = node
            if isinstance(node, FragmentSpreadNode):
                inner = self.fragments[node.name.value]
            if isinstance(inner, InlineFragmentNode | FragmentDefinitionNode):
                if self._reads_rows(inner.selection_set, rows):
                    return True
            elif isinstance(inner, FieldNode) and inner.name.value not in (
                TYPENAME,
                *rows.without_rows,
            ):
                return True
        return False

    def _size_of(self, node: FieldNode, rows: Rows | None) -> _Amount | None:
        """Return how many rows a field declares to have, or None."""
        match rows:
            case PageSize():
                return self._page_size(node, rows)
            case IdList(argument):
                return self._number_of_ids(node, argument)
            case AtMost(number):
                return number
        return None

    def _payload(self, node: FieldNode, field: GraphQLField, named: NamedRows) -> _Amount:
        """Return the cost of the payload of a change of named rows."""
        size = self._number_of_ids(node, named.argument)
        rows = dataclasses.replace(self, free=named.key)
        plain: list[_Amount] = []
        lists: dict[str, list[_Amount]] = {}
        waiting: list[tuple[SelectionSetNode | None, GraphQLNamedType | None]] = [
            (node.selection_set, get_named_type(field.type))
        ]
        while waiting:
            selections, parent = waiting.pop()
            for each in selections.selections if selections else ():
                inner: object = each
                if isinstance(each, FragmentSpreadNode):
                    inner = self.fragments[each.name.value]
                if isinstance(inner, InlineFragmentNode | FragmentDefinitionNode):
                    waiting.append((inner.selection_set, self._narrowed(inner, parent)))
                elif isinstance(inner, FieldNode):
                    below = _definition(parent, inner.name.value)
                    if inner.selection_set is None or below is None or not _is_list(below):
                        plain.append(self._field(inner, parent, size))
                        continue
                    row = rows.selections(inner.selection_set, get_named_type(below.type), 1)
                    plain.append(1)
                    lists.setdefault(inner.name.value, []).append(_product(size, row))
        return _sum((*plain, _largest(_sum(parts) for parts in lists.values())))

    def _number_of_ids(self, node: FieldNode, argument: str) -> _Amount:
        value = _arguments(node).get(argument)
        if isinstance(value, VariableNode):
            return self._variable(value.name.value, self._number)
        return self._number(list(value.values) if isinstance(value, ListValueNode) else value)

    def _number(self, ids: Any) -> int:
        # A single value is coerced to a list of one (GraphQL, section 3.11).
        return min(len(ids), self.max_ids) if isinstance(ids, list) else 1

    def _page_size(self, node: FieldNode, declared: PageSize) -> _Amount:
        arguments = _arguments(node)
        given = [self._size(arguments[name]) for name in declared.arguments if name in arguments]
        default = self._bounded(declared.default)
        known = [size for size in given if isinstance(size, int)]
        unknown = [size for size in given if callable(size)]
        if not unknown:
            return max(known, default=default)

        def size(variables: Variables) -> int:
            sizes = [*known, *(of(variables) for of in unknown)]
            # The field decides which of several arguments counts; null never does.
            return max((size for size in sizes if size is not None), default=default)

        return size

    def _size(self, node: ValueNode) -> "int | Callable[[Variables], int | None] | None":
        if isinstance(node, VariableNode):
            return self._variable(node.name.value, self._bounded_value)
        return self._bounded_value(value_from_ast_untyped(node))

    def _variable(self, name: str, read: Callable[[Any], _T]) -> Callable[[Variables], _T]:
        when_left_out = self.defaults.get(name)
        return lambda variables: read(variables.get(name, when_left_out))

    def _bounded_value(self, value: Any) -> int | None:
        """Return the coerced page size; None for null, and for a value that will be refused."""
        # A float without a fraction is a valid Int (GraphQL, section 3.5.1).
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return self._bounded(value) if isinstance(value, int) else None

    def _bounded(self, size: int) -> int:
        return min(max(0, size), self.max_page_size)


def _arguments(node: FieldNode) -> dict[str, ValueNode]:
    return {argument.name.value: argument.value for argument in node.arguments or ()}


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        field: GraphQLField | None = parent.fields.get(name)
        return field
    return None


def _is_list(field: GraphQLField) -> bool:
    kind = field.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
