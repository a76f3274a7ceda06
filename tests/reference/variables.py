"""The variables of a document: where they stand, how operations declare them, what is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLNonNull

from tests.reference.values import Choices, Pools, ValueDrawing, literal


@dataclass
class _Declared:
    kind: Any
    names: tuple[str, ...]
    """What leads to the places that it is for; nothing where its value was chosen for one."""
    value: Any
    is_required: bool = False


class Variables:
    """Draws variables; each operation that uses one declares it in a way of its own."""

    def __init__(self, choices: Choices, pools: Pools) -> None:
        self._choices = choices
        self._values = ValueDrawing(choices, pools)
        self._declared: dict[str, _Declared] = {}

    def use(self, kind: Any, names: tuple[str, ...], *, has_default: bool = False) -> str:
        """A variable for a place of a type; it may stand in other places too."""
        is_required = isinstance(kind, GraphQLNonNull)
        base = kind.of_type if is_required else kind
        fitting = [
            name
            for name, each in self._declared.items()
            if each.names == names and str(each.kind) == str(base)
        ]
        if fitting and self._choices.chance(60):
            name = self._choices.pick(fitting)
        else:
            value = self._values.tree(GraphQLNonNull(base), names)
            name = self._add(_Declared(base, names, value))
        self._declared[name].is_required |= is_required and not has_default
        return name

    def holding(self, kind: Any, value: Any) -> str:
        """A variable for one place of a type, with a value that was chosen for it."""
        is_required = isinstance(kind, GraphQLNonNull)
        return self._add(_Declared(kind.of_type if is_required else kind, (), value, is_required))

    def _add(self, declared: _Declared) -> str:
        name = f"v{len(self._declared)}"
        self._declared[name] = declared
        return name

    def declared_as(self, name: str) -> str:
        """A type that an operation may declare a variable of, with a default or without."""
        choices, declared = self._choices, self._declared[name]
        has_default = choices.chance(35)
        must = "!" if choices.chance(30) or (declared.is_required and not has_default) else ""
        default = f" = {literal(self._drawn(declared))}" if has_default else ""
        return f"{declared.kind}{must}{default}"

    def _drawn(self, declared: _Declared) -> Any:
        if not declared.names:
            return declared.value
        return self._values.tree(GraphQLNonNull(declared.kind), declared.names)

    def sent(self, header: str, names: Iterable[str]) -> dict[str, Any]:
        """Values of the variables that a header declares, and now and then of another."""
        choices = self._choices
        sent: dict[str, Any] = {}
        for name in choices.shuffled(sorted(names)):
            declared = self._declared[name]
            rest = header.partition(f"${name}: {declared.kind}")[2]
            must, has_default = rest.startswith("!"), rest.lstrip("!").startswith(" =")
            if choices.chance(45 if has_default else 1 if must else 15):
                continue
            is_null = choices.chance(1 if must or declared.is_required else 12)
            sent[name] = None if is_null else declared.value
            declared.value = self._drawn(declared)
        if choices.chance(3):
            sent["unknown"] = 1
        return sent
