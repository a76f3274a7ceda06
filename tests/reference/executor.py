"""Runs operations with graphql-core alone, field by field, over the types of this package."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    VariableNode,
    build_schema,
    execute_sync,
    get_nullable_type,
    get_variable_values,
    is_abstract_type,
    is_introspection_type,
    is_object_type,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)

from tests.reference import contents, instants, mutations, objects, queries, statistics
from tests.reference.faults import faults_of
from tests.reference.statistics import TimelineTooLong
from tests.reference.table import Elapsed, Now, Stamp, Table

TYPES: Mapping[str, type] = {
    name: kind
    for module in (queries, objects, contents, statistics, mutations)
    for name, kind in vars(module).items()
    if isinstance(kind, type)
}
"""What stands for each type of the schema, by its name."""

EVENTS = frozenset({"Query.eventCursor", "Subscription", "ExecutionEvent"})
"""What is not answered here: it tells of changes, not of rows."""

Fault = tuple[tuple[str | int, ...] | None, str]
"""The path and the code of an error."""
_BAD_INPUT = "BAD_USER_INPUT"
_MOST_VALIDATION_ERRORS = 5
_MOST_VARIABLE_ERRORS = 50
_LARGEST_BIG_INT = 2**53


_BUCKETS_TOGETHER = 20_000


@dataclass
class Answer:
    """What is answered to an operation; there is no data when nothing was executed.

    ``failed`` are the keys of root fields for which more was found than may be answered.
    """

    data: dict[str, Any] | None = None
    faults: tuple[Fault, ...] = ()
    failed: tuple[str, ...] = ()
    is_certain: bool = True


class Reference:
    """Answers operations on a table, by a printed schema."""

    def __init__(self, sdl: str, table: Table) -> None:
        self.table = table
        self.schema = build_schema(sdl)
        _write_scalars(self.schema)
        self._running = build_schema(sdl)
        self.unknown = [
            f"{kind.name}.{name}"
            for kind in _object_types(self._running)
            for name, field in kind.fields.items()
            if EVENTS.isdisjoint((kind.name, f"{kind.name}.{name}"))
            and not _resolve(kind, name, field)
        ]
        """The fields that nothing here stands for."""
        _write_scalars(self._running)
        query = self._running.query_type
        for root in query.fields.values() if query else ():
            # One that fails must not hide the others.
            root.type = get_nullable_type(root.type)
        self._read = functools.lru_cache(maxsize=1)(self._read_anew)

    def run(
        self, query: str, variables: dict[str, Any] | None = None, name: str | None = None
    ) -> Answer:
        """Answer an operation; it is refused as a whole for any fault in it.

        An empty name is none.
        """
        name = name or None
        try:
            document, errors = self._read(query)
        except GraphQLError:
            return Answer(faults=((None, "GRAPHQL_PARSE_FAILED"),))
        operations = [
            each for each in document.definitions if isinstance(each, OperationDefinitionNode)
        ]
        named = [each for each in operations if name in (None, each.name and each.name.value)]
        if not named:
            return _refused(_BAD_INPUT)
        if errors:
            return _refused(*["GRAPHQL_VALIDATION_FAILED"] * errors)
        if len(named) > 1:
            return _refused(_BAD_INPUT)
        faults = self._faults(document, named[0], variables or {})
        if faults:
            return Answer(faults=tuple(faults))
        self.table.is_uncertain = self.table.is_stale = False
        self.table.buckets = 0
        result = execute_sync(
            self._running,
            document,
            self._root(named[0]),
            variable_values=variables,
            operation_name=name,
        )
        failed: dict[str, None] = {}
        for error in result.errors or ():
            if not isinstance(error.original_error, TimelineTooLong) or not error.path:
                raise error.original_error or error
            failed[str(error.path[0])] = None
        return Answer(
            result.data,
            failed=tuple(failed),
            is_certain=not self.table.is_uncertain and self.table.buckets <= _BUCKETS_TOGETHER,
        )

    def _read_anew(self, query: str) -> tuple[DocumentNode, int]:
        """A document, and how many errors are in it. Raises GraphQLError if it is none."""
        document = parse(query)
        rules = [*specified_rules, *recommended_rules]
        found = validate(self.schema, document, rules, max_errors=_MOST_VALIDATION_ERRORS)
        return document, len(found)

    def _root(self, operation: OperationDefinitionNode) -> object:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        return TYPES[root.name](self.table)

    def _faults(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> list[Fault]:
        """What is wrong with the variables; or else with the arguments of all fields."""
        values = get_variable_values(
            self.schema,
            operation.variable_definitions or (),
            variables,
            max_errors=_MOST_VARIABLE_ERRORS,
        )
        if isinstance(values, list):
            return [(None, _BAD_INPUT)] * len(values)
        conditions = _variables_of_conditions(document, operation)
        unknown = [name for name in conditions if values.coerced.get(name) is None]
        if unknown:
            return [(None, _BAD_INPUT)] * len(unknown)
        return [
            (path, _BAD_INPUT)
            for path in faults_of(self.schema, document, operation, values, self.table)
        ]


def _refused(*codes: str) -> Answer:
    return Answer(faults=tuple((None, code) for code in codes))


def _object_types(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    for kind in schema.type_map.values():
        if is_abstract_type(kind):
            abstract: GraphQLAbstractType = kind
            abstract.resolve_type = lambda value, *_: type(value).__name__
        if is_object_type(kind) and not is_introspection_type(kind):
            assert isinstance(kind, GraphQLObjectType)
            yield kind


def _resolve(kind: GraphQLObjectType, name: str, field: GraphQLField) -> bool:
    """Give a field its resolver, if there is one."""
    implemented = TYPES.get(kind.name)
    attribute = _snake(name)
    known = {*dir(implemented), *getattr(implemented, "__dataclass_fields__", ())}

    def resolve(source: Any, _info: Any, **given: Any) -> Any:
        value = getattr(source, attribute)
        if not callable(value):
            return value
        return value(given) if field.args else value()

    field.resolve = resolve
    return implemented is not None and attribute in known


def _variables_of_conditions(
    document: DocumentNode, operation: OperationDefinitionNode
) -> list[str]:
    """The variables that ``@include`` and ``@skip`` name, in an operation and what it spreads."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    names: dict[str, None] = {}
    waiting: list[Any] = [operation]
    spread: set[str] = set()
    while waiting:
        node = waiting.pop()
        for directive in node.directives or ():
            for argument in directive.arguments:
                if isinstance(argument.value, VariableNode):
                    names[argument.value.name.value] = None
        if isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            waiting.append(fragments[node.name.value])
        elif isinstance(
            node,
            FieldNode | InlineFragmentNode | FragmentDefinitionNode | OperationDefinitionNode,
        ):
            waiting += node.selection_set.selections if node.selection_set else ()
    return list(names)


def _write_scalars(schema: GraphQLSchema) -> None:
    instant: Any = schema.type_map["DateTime"]
    instant.coerce_output_value = lambda value: (
        Stamp("a time of change") if isinstance(value, Now) else instants.write(value)
    )
    instant.coerce_input_value = _checked_instant
    big: Any = schema.type_map["BigInt"]
    big.coerce_output_value = lambda value: value if isinstance(value, Elapsed) else int(value)
    big.coerce_input_value = _checked_big_int


def _checked_instant(value: Any) -> Any:
    instants.read(value)
    return value


def _checked_big_int(value: Any) -> Any:
    if type(value) is not int or abs(value) > _LARGEST_BIG_INT:
        raise GraphQLError("no BigInt")
    return value


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)
