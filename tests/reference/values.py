"""Values of arguments: trees that are written as literals or sent as variables."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)

from db.source import ExecutionRow
from tests.reference import instants
from tests.reference.texts import shown

_T = TypeVar("_T")
_DEEPEST = 3


class Choices:
    """Choices by a source of numbers; the first of some options is the simplest."""

    def __init__(self, number: Callable[[int, int], int]) -> None:
        self.number = number

    def pick(self, options: Sequence[_T]) -> _T:
        return options[self.number(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    def shuffled(self, items: Sequence[_T]) -> list[_T]:
        left = list(items)
        return [left.pop(self.number(0, len(left) - 1)) for _ in items]


class Name(str):
    """The name of a value of an enum, which literals write without quotes."""

    __slots__ = ()


@dataclass(frozen=True)
class Variable:
    """A variable within a literal."""

    name: str


def literal(tree: Any) -> str:
    """Write a tree in a document."""
    match tree:
        case Variable():
            return f"${tree.name}"
        case Name():
            return str(tree)
        case list():
            return f"[{', '.join(map(literal, tree))}]"
        case dict():
            entries = (f"{name}: {literal(value)}" for name, value in tree.items())
            return f"{{{', '.join(entries)}}}"
        case _:
            return json.dumps(tree, ensure_ascii=False)


Pools = Mapping[str, Sequence[Any]]
"""What scalars are picked from, by the name of the argument or input field that they are for.

Names of two, one within the other, come first, and the names of scalars last.
"""
WRONG: Mapping[str, Sequence[Any]] = {
    "Int": [2**31, 1.5, "1", True],
    "String": [5, True, ["a", "b"]],
    "ID": [True, 1.5, {}],
    "Boolean": ["true", 1],
    "DateTime": ["yesterday", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z", 1_700_000_000_000],
    "BigInt": [2**53 + 1, "1", 1.5],
}
"""What is no value of a scalar, for almost all of them."""


_LIMITS = [1000, 2, 12, 2**31 - 1, 5, 1, 1000, 0, -1]
_NO_IDS = [
    "",
    "x",
    "nobody",
    "é",
    "a\0b",
    "RXhlY3V0aW9uOm5vYm9keQ==",
    "QWdlbnRmbG93Om5vYm9keQ==",
    "U2Vzc2lvbjpub2JvZHk=",
    "U2Vzc2lvbjpub2JvZHk",
    "UXVlcnk6eA==",
    "RXhlY3V0aW9u",
    "RXhlY3V0aW9uOv8=",
]
"""Global ids of nothing, and texts that are none."""


def pools_of(rows: Sequence[ExecutionRow]) -> dict[str, list[Any]]:
    """What to ask for so that some of the rows are found."""
    guids = [*(shown(row.guid) for row in rows), "nobody", "", 7, "a\0b"]
    flows = [*dict.fromkeys(shown(row.agentflow_id) for row in rows), "nobody", 7, "a\0b"]
    sessions = [*dict.fromkeys(shown(row.session_id) for row in rows if row.session_id), "", "x"]
    workspaces = [*dict.fromkeys(shown(row.workspace_id) for row in rows if row.workspace_id), ""]
    errors = _plain(dict.fromkeys(shown(row.error) for row in rows if row.error))
    names = _plain(dict.fromkeys(shown(row.agentflow_name or "") for row in rows))
    parts = [text for name in names for text in (name, name.swapcase(), name[:4], name[2:5])]
    ends = {row.finished_on for row in rows if row.finished_on is not None}
    times = sorted(ends | {time for row in rows for time in (row.created_on, row.updated_on)})
    lengths = sorted({row.duration_ms for row in rows if row.duration_ms is not None})
    ids: dict[str, list[Any]] = {
        "guid": guids,
        "agentflowId": flows,
        "sessionId": sessions,
        "workspaceId": [*workspaces, "nobody"],
    }
    asked = [*parts, "", "%", "_", "\\", "a\0b", "nothing like it", "idle agent"]
    return {
        **ids,
        # What is shown with U+FFFD is found by eq alone.
        **{f"{name} {list_}": _plain(ids[name]) for name in ids for list_ in ("in", "notIn")},
        "deleteExecution guid": _plain(guids),
        "guids": guids,
        **dict.fromkeys(
            ("updateExecutionsMatching limit", "deleteExecutionsMatching limit"), _LIMITS
        ),
        **dict.fromkeys(("node id", "nodes ids"), _NO_IDS),
        "agentflowName": asked,
        "agentflows name": asked,
        "error": [
            *(text for error in errors for text in (error, error.swapcase(), error[2:5])),
            "",
        ],
        "DateTime": [text for time in times for text in _spellings(time)],
        "Int": [1, 2, 3, 4, 5, 7, 11, 1, 2, 3, 4, 5, 7, 11, 40, 12, 0, 41, -1],
        "page": [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 100, 2**31 - 1, 0],
        "ID": _plain([*guids, *flows]),
        "String": ["", "a", "ä"],
        "BigInt": [*lengths, 0, 1, -1, 2**53, -(2**53)],
        "Boolean": [True, False],
    }


def _plain(texts: Iterable[Any]) -> list[Any]:
    return [text for text in texts if "\ufffd" not in str(text)]


def _spellings(time: int) -> list[str]:
    text = instants.write(time)
    spellings = [text, text.replace("Z", "+00:00"), text.replace("Z", "500Z")]
    if text[5:10] not in ("01-01", "12-31"):
        spellings.append(text.replace("Z", "0000001-01:30"))
    return spellings


@dataclass
class ValueDrawing:
    """Draws trees of the schema's input types."""

    choices: Choices
    pools: Pools
    variable: Callable[..., Variable | None] = lambda *_, **__: None
    """Puts a variable in a place of a type, if one may stand there."""
    wrong_in_a_thousand: int = field(default=5)

    def tree(
        self, kind: Any, names: tuple[str, ...], depth: int = 0, *, has_default: bool = False
    ) -> Any:
        """Draw a value of a type; ``names`` lead to the place that it is for."""
        if (variable := self.variable(kind, names, has_default=has_default)) is not None:
            return variable
        if not isinstance(kind, GraphQLNonNull) and self.choices.chance(6):
            return None
        return self._value(_nullable(kind), names, depth)

    def _value(self, kind: Any, names: tuple[str, ...], depth: int) -> Any:
        if isinstance(kind, GraphQLList):
            if self.choices.chance(15):
                # A variable of a single value is none of a list.
                return self._value(_nullable(kind.of_type), names, depth)
            items = self.choices.pick([1, 2, 0, 3, 5] if depth < _DEEPEST else [0, 1])
            return [self.tree(kind.of_type, names, depth) for _ in range(items)]
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, names, depth + 1)
        if isinstance(kind, GraphQLEnumType):
            if self.choices.number(1, 1000) > 1000 - self.wrong_in_a_thousand:
                return self.choices.pick([Name("NOTHING"), "ERROR", 1])
            return Name(self.choices.pick(list(kind.values)))
        return self.scalar(kind.name, names)

    def _object(self, kind: GraphQLInputObjectType, names: tuple[str, ...], depth: int) -> Any:
        fields = [
            name
            for name, each in kind.fields.items()
            if depth <= _DEEPEST or not isinstance(innermost(each.type), GraphQLInputObjectType)
        ]
        required = [name for name in fields if is_required_input_field(kind.fields[name])]
        chosen = self.choices.shuffled(fields)[: self.choices.pick([1, 2, 1, 1, 2, 0, 3])]
        return {
            name: self.tree(
                kind.fields[name].type,
                (*names, name),
                depth,
                has_default=has_default_of(kind.fields[name]),
            )
            for name in dict.fromkeys([*chosen, *required])
        }

    def scalar(self, kind: str, names: tuple[str, ...]) -> Any:
        if self.choices.number(1, 1000) > 1000 - self.wrong_in_a_thousand:
            return self.choices.pick(WRONG[kind])
        if kind in ("ID", "String") or names[-1] in ("page", "limit"):
            for place in range(len(names), 0, -1):
                for name in (" ".join(names[max(0, place - 2) : place]), names[place - 1]):
                    if name in self.pools:
                        return self.choices.pick(self.pools[name])
        return self.choices.pick(self.pools[kind])


def _nullable(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def innermost(kind: Any) -> Any:
    while isinstance(kind, GraphQLList | GraphQLNonNull):
        kind = kind.of_type
    return kind


def has_default_of(declared: Any) -> bool:
    """Whether an argument or an input field has a default."""
    return declared.ast_node is not None and declared.ast_node.default_value is not None
