"""Operations, drawn from the schema: whatever field or argument it gains is drawn by itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    is_abstract_type,
    is_composite_type,
    is_introspection_type,
    is_leaf_type,
    is_required_argument,
)
from graphql.utilities import do_types_overlap

from tests.reference.executor import EVENTS
from tests.reference.request import Request
from tests.reference.values import (
    Choices,
    Name,
    Pools,
    ValueDrawing,
    Variable,
    has_default_of,
    innermost,
    literal,
)
from tests.reference.variables import Variables

Cursors = Mapping[str, Sequence[tuple[Any, Sequence[str]]]]
"""Orders as they are written in variables, and cursors of lists in each of them.

They belong to the fields of a name, whatever type has them.
"""
_CONDITION = GraphQLNonNull(GraphQLBoolean)
_ALIASES = ("a", "b", "c", "guid2", "node", "totalCount")
_INTROSPECTION = (
    "__schema { queryType { name } mutationType { name } directives { name } }",
    '__type(name: "Execution") { name kind fields { name type { kind name } } }',
    '__type(name: "nobody") { name }',
)


@dataclass
class _Scope:
    """What an operation or a fragment holds: it has to declare what it uses."""

    variables: set[str] = field(default_factory=set)
    fragments: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Drawn:
    """A field with its arguments, to be selected again under the same key."""

    start: str
    field: GraphQLField
    variables: frozenset[str]


class DocumentDrawing:
    """Draws one document and what is sent with it."""

    def __init__(
        self,
        schema: GraphQLSchema,
        choices: Choices,
        pools: Pools,
        cursors: Cursors = MappingProxyType({}),
    ) -> None:
        self._schema = schema
        self._choices = choices
        self._plain = ValueDrawing(choices, pools)
        self._values = ValueDrawing(choices, pools, self._maybe_variable)
        self._cursors = cursors
        self._scopes: list[_Scope] = []
        self._variables = Variables(choices, pools)
        self._fragments: dict[str, tuple[Any, str, _Scope]] = {}
        self._keys: dict[str, str] = {}
        self._drawn: dict[str, list[_Drawn]] = {}

    def requests(self, kind: str = "query", count: int = 1) -> list[Request]:
        """Draw a document, and requests that run its operations of a kind."""
        choices = self._choices
        others = choices.pick([0, 0, 0, 1, 2])
        kinds = [kind, *(choices.pick(["query", "mutation"]) for _ in range(others))]
        names: list[str | None] = [f"Operation{number}" for number in range(len(kinds))]
        if not others and choices.chance(50):
            names = [None]
        drawn = [self._root(each) for each in kinds]
        scopes = [self._reached(scope) for scope, _ in drawn]
        headers = [self._header(*each) for each in zip(kinds, names, scopes, strict=True)]
        parts = [f"{header} {text}" for header, (_, text) in zip(headers, drawn, strict=True)]
        parts += [
            f"fragment {name} on {on} {text}" for name, (on, text, _) in self._fragments.items()
        ]
        query = "\n".join(choices.shuffled(parts))
        runnable = [place for place, each in enumerate(kinds) if each == kind]
        sent = []
        for _ in range(count):
            place = choices.pick(runnable)
            name = names[place] if others or choices.chance(50) else None
            if choices.chance(1):
                name = choices.pick([None, "Nobody", ""])
            sent.append(
                Request(query, self._variables.sent(headers[place], scopes[place].variables), name)
            )
        return sent

    def _root(self, kind: str) -> tuple[_Scope, str]:
        root = self._schema.query_type if kind == "query" else self._schema.mutation_type
        assert root is not None
        self._scopes.append(_Scope())
        text = self._selection(root, self._choices.pick([4, 5, 3, 7, 6]))
        return self._scopes.pop(), text

    def _reached(self, scope: _Scope) -> _Scope:
        found = _Scope(set(scope.variables), set())
        waiting = [*scope.fragments]
        while waiting:
            name = waiting.pop()
            if name not in found.fragments:
                found.fragments.add(name)
                inner = self._fragments[name][2]
                found.variables |= inner.variables
                waiting += inner.fragments
        return found

    def _selection(self, kind: Any, depth: int) -> str:
        count = self._choices.pick([1, 2, 3] if depth > 2 else [1, 2])
        return f"{{ {' '.join(self._selected(kind, depth) for _ in range(count))} }}"

    def _selected(self, kind: Any, depth: int) -> str:
        choices = self._choices
        what = choices.number(0, 99)
        if depth > 0 and what >= (30 if is_abstract_type(kind) else 90):
            on = choices.pick(["", *(f" on {each}" for each in self._overlapping(kind))])
            inner = self._schema.get_type(on[4:]) if on else kind
            return f"...{on}{self._directives()} {self._selection(inner, depth - 1)}"
        if what >= 80 and depth > 0:
            return f"...{self._fragment(kind, depth)}{self._directives()}"
        if what >= 73:
            return f"__typename{self._directives()}"
        if kind is self._schema.query_type and what >= 71:
            return choices.pick(_INTROSPECTION)
        return self._field(kind, depth)

    def _overlapping(self, kind: Any) -> list[str]:
        return [
            name
            for name, each in self._schema.type_map.items()
            if is_composite_type(each)
            and not is_introspection_type(each)
            and do_types_overlap(self._schema, each, kind)
        ]

    def _fragment(self, kind: Any, depth: int) -> str:
        kinds: Any = self._schema.type_map
        fitting = [
            name
            for name, (on, _, _) in self._fragments.items()
            if do_types_overlap(self._schema, kinds[on], kind)
        ]
        if fitting and (self._choices.chance(60) or len(self._fragments) > 5):
            name = self._choices.pick(fitting)
        else:
            on = self._choices.pick([kind.name, *self._overlapping(kind)])
            self._scopes.append(_Scope())
            text = self._selection(self._schema.get_type(on), depth - 1)
            name = f"Part{len(self._fragments)}"
            self._fragments[name] = on, text, self._scopes.pop()
        self._scopes[-1].fragments.add(name)
        return name

    def _field(self, kind: Any, depth: int) -> str:
        choices = self._choices
        again = self._drawn.get(kind.name, [])
        if again and choices.chance(20):
            drawn = choices.pick(again)
        else:
            fields = {} if isinstance(kind, GraphQLUnionType) else kind.fields
            names = [
                name
                for name, each in fields.items()
                if f"{kind.name}.{name}" not in EVENTS
                and (depth > 0 or is_leaf_type(innermost(each.type)))
            ]
            deep = [name for name in names if not is_leaf_type(innermost(fields[name].type))]
            if deep and choices.chance(40):
                names = deep
            if not names:
                return "__typename"
            if choices.number(1, 1000) > 998:
                return "nothingLikeIt"
            drawn = self._new_field(kind, choices.pick(names))
        inner = innermost(drawn.field.type)
        if is_composite_type(inner) and depth <= 0:
            return "__typename"
        self._scopes[-1].variables |= drawn.variables
        below = f" {self._selection(inner, depth - 1)}" if is_composite_type(inner) else ""
        return f"{drawn.start}{self._directives()}{below}"

    def _new_field(self, kind: Any, name: str) -> _Drawn:
        declared = kind.fields[name]
        self._scopes.append(_Scope())
        arguments = self._arguments(declared, name) if declared.args else ""
        used = self._scopes.pop().variables
        key = self._choices.pick([name, name, name, *_ALIASES])
        called = f"{name}{arguments} {declared.type}"
        if self._keys.setdefault(key, called) != called:
            key = f"{name}_{len(self._keys)}"
            self._keys[key] = called
        start = f"{name}{arguments}" if key == name else f"{key}: {name}{arguments}"
        drawn = _Drawn(start, declared, frozenset(used))
        self._drawn.setdefault(kind.name, []).append(drawn)
        return drawn

    def _directives(self) -> str:
        if not self._choices.chance(18):
            return ""
        names = self._choices.pick(["include", "skip", "include skip", "skip include"])
        return "".join(f" @{name}(if: {self._condition(name)})" for name in names.split())

    def _condition(self, name: str) -> str:
        if self._choices.chance(60):
            return literal(self._variable(self._variables.use(_CONDITION, ("if",))))
        return json.dumps((name == "include") != self._choices.chance(25))

    def _arguments(self, declared: GraphQLField, name: str) -> str:
        forced: dict[str, Any] = {}
        left_out: tuple[str, ...] = ()
        if {"first", "after"} <= declared.args.keys():
            forced = self._paging(declared, name)
            left_out = ("first", "last", "after", "before")
        if not forced.keys().isdisjoint(("after", "before")):
            left_out += ("orderBy",)
        given = []
        for argument in self._choices.shuffled(list(declared.args)):
            kind = declared.args[argument].type
            if argument in forced:
                tree = self._forced(kind, forced[argument])
            elif argument in left_out:
                continue
            elif is_required_argument(declared.args[argument]) or self._choices.chance(55):
                has_default = has_default_of(declared.args[argument])
                tree = self._values.tree(kind, (name, argument), has_default=has_default)
            else:
                continue
            given.append(f"{argument}: {literal(tree)}")
        return f"({', '.join(given)})" if given else ""

    def _paging(self, declared: GraphQLField, name: str) -> dict[str, Any]:
        """The arguments that page: in one direction, from a cursor of the order, as a rule."""
        choices = self._choices
        given: dict[str, Any] = {}
        sizes = [each for each in ("first", "last") if each in declared.args]
        size = choices.pick([*sizes, None])
        if size:
            given[size] = self._plain.scalar("Int", ("size",))
        if len(sizes) == 2 and choices.chance(2):
            given |= dict.fromkeys(sizes, 1)
        cursors = [each for each in ("after", "before") if each in declared.args]
        if name in self._cursors and choices.chance(45):
            order, known = choices.pick(self._cursors[name])
            if "orderBy" in declared.args and (order or choices.chance(20)):
                given["orderBy"] = _in_enums(order)
            for each in choices.pick([cursors[:1], cursors[1:], cursors]):
                given[each] = choices.pick(known)
            if choices.chance(4):
                given[choices.pick(cursors)] = choices.pick(["", "x", "AAAA", known[0][:-1]])
            if "orderBy" in declared.args and choices.chance(2):
                given["orderBy"] = [{"field": Name("STATE")}]
        return given

    def _forced(self, kind: Any, tree: Any) -> Any:
        if not self._choices.chance(35):
            return tree
        return self._variable(self._variables.holding(kind, tree))

    def _maybe_variable(
        self, kind: Any, names: tuple[str, ...], *, has_default: bool
    ) -> Variable | None:
        if not self._choices.chance(20):
            return None
        return self._variable(self._variables.use(kind, names[-2:], has_default=has_default))

    def _variable(self, name: str) -> Variable:
        self._scopes[-1].variables.add(name)
        return Variable(name)

    def _header(self, kind: str, name: str | None, scope: _Scope) -> str:
        declared = [
            f"${each}: {self._variables.declared_as(each)}" for each in sorted(scope.variables)
        ]
        if not declared and kind == "query" and name is None and self._choices.chance(50):
            return ""
        variables = f"({', '.join(self._choices.shuffled(declared))})" if declared else ""
        return f"{kind} {name or ''}{variables}"


def _in_enums(order: Sequence[Mapping[str, str]] | None) -> Any:
    """An order whose literals have no quotes."""
    if order is None:
        return None
    return [{name: Name(value) for name, value in term.items()} for term in order]
