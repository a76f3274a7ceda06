"""Coerce variables and arguments by functions made once for an operation.

They coerce as graphql-core does (GraphQL, sections 6.1.2 and 6.4.1) and raise NotPlannable for
everything that it would reject: graphql-core then says why.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    visit,
)
from graphql.type import GraphQLArgument, GraphQLField, GraphQLInputField
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from resolvers.selections import NotPlannable

Variables = Mapping[str, Any]
ReadVariables = Callable[[Variables], dict[str, Any]]
"""Coerces a request's variables; omitted ones without a default are missing."""
ReadArguments = Callable[[Variables], dict[str, Any]]
"""Returns a field's arguments for coerced variables."""

_Coerce = Callable[[Any], Any]
_Read = Callable[[Variables], Any]
_MISSING = object()
_INT = range(-(2**31), 2**31)


def variables_function(
    schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]
) -> ReadVariables:
    """Return the function that coerces the variables of an operation."""
    coerce_by_type: dict[GraphQLInputType, _Coerce] = {}
    known: list[tuple[str, _Coerce, Any, bool]] = []
    for definition in definitions:
        kind = type_from_ast(schema, definition.type)
        default: Any = _MISSING
        if definition.default_value is not None:
            default = coerce_input_literal(definition.default_value, kind)  # type: ignore[arg-type]
            _refuse_undefined(default)
        coerce = _coerce(kind, coerce_by_type)
        known.append((definition.variable.name.value, coerce, default, is_non_null_type(kind)))

    def read(given: Variables) -> dict[str, Any]:
        values = {}
        for name, coerce, default, is_required in known:
            if name in given:
                values[name] = coerce(given[name])
            elif default is not _MISSING:
                values[name] = default
            elif is_required:
                raise NotPlannable("a variable that is left out")
        return values

    return read


def _coerce(kind: Any, made: dict[GraphQLInputType, _Coerce]) -> _Coerce:
    """Return the function that coerces a value of a type, which may be recursive."""
    if kind not in made:
        made[kind] = lambda value: made[kind](value)  # noqa: PLW0108 - replaced below
        made[kind] = _make_coerce(kind, made)
    return made[kind]


def _make_coerce(kind: Any, made: dict[GraphQLInputType, _Coerce]) -> _Coerce:
    if is_non_null_type(kind):
        inner = _coerce(kind.of_type, made)

        def present(value: Any) -> Any:
            if value is None:
                raise NotPlannable("null where there must be a value")
            return inner(value)

        return present
    if is_list_type(kind):
        each = _coerce(kind.of_type, made)

        def items(value: Any) -> Any:
            if value is None:
                return None
            return [each(item) for item in value] if isinstance(value, list) else [each(value)]

        return items
    if is_input_object_type(kind):
        return _coerce_object(kind, made)
    return _coerce_leaf(kind)


def _coerce_object(kind: Any, made: dict[GraphQLInputType, _Coerce]) -> _Coerce:
    if kind.is_one_of:
        raise NotPlannable("an object of one entry")
    fields = {name: (*_entry(name, it), _coerce(it.type, made)) for name, it in kind.fields.items()}

    def entries(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict) or not value.keys() <= fields.keys():
            raise NotPlannable("an object with other entries")
        coerced = {}
        for name, (out_name, default, is_required, coerce) in fields.items():
            if name in value:
                coerced[out_name] = coerce(value[name])
            elif default is not _MISSING:
                coerced[out_name] = default
            elif is_required:
                raise NotPlannable("an entry that is left out")
        return kind.out_type(coerced)

    return entries


def _coerce_leaf(kind: GraphQLLeafType) -> _Coerce:
    coerce: _Coerce = kind.coerce_input_value
    is_text, is_int = kind.name in ("ID", "String"), kind.name == "Int"

    def leaf(value: Any) -> Any:
        # The most common values need no call.
        if (is_text and type(value) is str) or (is_int and type(value) is int and value in _INT):
            return value
        return None if value is None else coerce(value)

    return leaf


def arguments_function(field: GraphQLField, node: FieldNode) -> ReadArguments | dict[str, Any]:
    """Return the function that reads a field's arguments, or the arguments themselves."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    read = _read_entries(field.args, given)
    return read if variables_in(given.values()) else read({})


def _read_entries(
    entries: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    given: Mapping[str, ValueNode],
) -> _Read:
    known = [
        (*_entry(name, entry), _read(given[name], entry.type) if name in given else None)
        for name, entry in entries.items()
    ]

    def read(variables: Variables) -> dict[str, Any]:
        values = {}
        for out_name, default, is_required, value_of in known:
            value = _MISSING if value_of is None else value_of(variables)
            if value is _MISSING:
                value = default
            if value is not _MISSING:
                values[out_name] = value
            elif is_required:
                raise NotPlannable("an argument that is left out")
        return values

    return read


def _entry(name: str, entry: GraphQLArgument | GraphQLInputField) -> tuple[str, Any, bool]:
    """Return an argument's or entry's internal name, its default, and whether it is required."""
    default = coerce_default_value(entry)
    is_left_out = default is Undefined
    return (
        entry.out_name or name,
        _MISSING if is_left_out else default,
        is_non_null_type(entry.type) and is_left_out,
    )


def _read(node: ValueNode, kind: Any) -> _Read:
    """Return the function that reads a value; it returns ``_MISSING`` for a missing variable."""
    if isinstance(node, VariableNode):
        return _read_variable(node.name.value, is_required=is_non_null_type(kind))
    if not variables_in([node]):
        constant = coerce_input_literal(node, kind)
        _refuse_undefined(constant)
        return lambda _variables: constant
    if is_non_null_type(kind):
        kind = kind.of_type
    if is_list_type(kind):
        return _read_list(node, kind.of_type)
    if is_input_object_type(kind) and isinstance(node, ObjectValueNode) and not kind.is_one_of:
        read = _read_entries(kind.fields, {part.name.value: part.value for part in node.fields})
        return lambda variables: kind.out_type(read(variables))
    raise NotPlannable("a variable in a place of its own")


def _read_variable(name: str, *, is_required: bool) -> _Read:
    def read(variables: Variables) -> Any:
        value = variables.get(name, _MISSING)
        if is_required and value is None:
            raise NotPlannable("null where there must be a value")
        return value

    return read


def _read_list(node: ValueNode, kind: Any) -> _Read:
    nodes = node.values if isinstance(node, ListValueNode) else (node,)
    readers = [_read(item, kind) for item in nodes]
    is_required = is_non_null_type(kind)

    def read(variables: Variables) -> list[Any]:
        values = [value_of(variables) for value_of in readers]
        if is_required and _MISSING in values:
            raise NotPlannable("a variable that is left out")
        # A missing variable in a list is null.
        return [None if value is _MISSING else value for value in values]

    return read


def _refuse_undefined(value: Any) -> None:
    if value is Undefined:
        raise NotPlannable("a value that does not fit")


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.found.add(node.name.value)


def variables_in(nodes: Iterable[ValueNode]) -> set[str]:
    """Return the names of the variables in some values."""
    names = _Names()
    for node in nodes:
        visit(node, names)
    return names.found
