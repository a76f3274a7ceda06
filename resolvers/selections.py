"""Selections as lists of fields, with fragments and conditions resolved."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
)
from graphql.type import GraphQLField

TYPENAME = "__typename"

Selected = dict[str, list[FieldNode]]
"""The nodes of each response key, in the order of the response."""


Fragments = Mapping[str, FragmentDefinitionNode]
"""The fragments of a document by their names."""


def fragments_of(document: DocumentNode) -> Fragments:
    """Return the fragments of a document by their names."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def characters_of(operation: OperationDefinitionNode, fragments: Fragments) -> int:
    """Return the length of an operation's text, with the fragments that it uses."""
    found: set[str] = set()
    length = 0
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    while waiting:
        definition = waiting.pop()
        length += definition.loc.end - definition.loc.start if definition.loc else 0
        selections: list[Any] = list(definition.selection_set.selections)
        while selections:
            node = selections.pop()
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in found:
                    found.add(node.name.value)
                    waiting.append(fragments[node.name.value])
            elif node.selection_set is not None:
                selections.extend(node.selection_set.selections)
    return length


def root_fields(operation: OperationDefinitionNode, fragments: Fragments) -> Iterator[FieldNode]:
    """Yield the root fields of an operation, whatever its conditions skip."""
    spread: set[str] = set()
    waiting: list[Any] = [operation]
    while waiting:
        for node in waiting.pop().selection_set.selections:
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                waiting.append(node)
            elif node.name.value not in spread:
                spread.add(node.name.value)
                waiting.append(fragments[node.name.value])


class NotPlannable(Exception):
    """An operation has no plan; graphql-core runs it, or reports what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Selections:
    """Collects fields as graphql-core does (GraphQL, section 6.3.2, CollectFields).

    ``flags`` are the values of the variables in conditions.
    """

    schema: GraphQLSchema
    fragments: Fragments
    flags: Mapping[str, bool]

    def below(self, nodes: Iterable[FieldNode], parent: GraphQLObjectType) -> Selected:
        """Return the fields that some nodes select in their objects."""
        selected: Selected = {}
        for node in nodes:
            if node.selection_set is not None:
                self.collect(node.selection_set, parent, selected, set())
        return selected

    def collect(
        self,
        selections: SelectionSetNode,
        parent: GraphQLObjectType,
        selected: Selected,
        spread: set[str],
    ) -> None:
        """Add the fields that a selection set selects in objects of a type."""
        for node in selections.selections:
            if not self._is_included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                selected.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition, parent):
                    self.collect(node.selection_set, parent, selected, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition, parent):
                    self.collect(fragment.selection_set, parent, selected, spread)

    def _applies(self, condition: NamedTypeNode | None, parent: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == parent.name:
            return True
        kind = self.schema.get_type(condition.name.value)
        if kind is None or not is_abstract_type(kind):
            return False
        abstract: GraphQLAbstractType = kind
        return self.schema.is_sub_type(abstract, parent)

    def _is_included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name not in ("skip", "include"):
                raise NotPlannable(f"the directive @{name}")
            if self._condition(directive) is (name == "skip"):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        value = directive.arguments[0].value if directive.arguments else None
        if isinstance(value, BooleanValueNode):
            return value.value
        if isinstance(value, VariableNode) and value.name.value in self.flags:
            return self.flags[value.name.value]
        raise NotPlannable("a condition without a value")


def object_of(field: GraphQLField) -> GraphQLObjectType:
    """Return the object type of a field. Raises NotPlannable if it is another type."""
    kind = get_named_type(field.type)
    if not isinstance(kind, GraphQLObjectType):
        raise NotPlannable("a field that is no object")
    return kind
