"""Plans: how an operation runs, worked out once and reused for every request.

A plan has the functions from variables to arguments, and how each root field is read. Operations
that are refused, and several changes in one, have no plan and are left to graphql-core.
"""

import asyncio
import functools
import itertools
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from db.bounded_store import BoundedStore
from resolvers.argument_errors import argument_errors
from resolvers.arguments import Arguments, ArgumentsOf, arguments_of
from resolvers.changes import AlreadyCommitted
from resolvers.checks import Check, check_nothing
from resolvers.coercion import ReadVariables, Variables, variables_function, variables_in
from resolvers.context import AT_ONCE, Context, InThread, Run
from resolvers.events import EVENT_CURSOR
from resolvers.introspection import plan_introspection
from resolvers.objects import Planning
from resolvers.roots import ROOTS, RootAnswer
from resolvers.row_types import ROW_TYPES
from resolvers.selections import TYPENAME, Fragments, NotPlannable, root_fields

logger = logging.getLogger("gateway.plans")

_MOST_FLAGS = 6


@dataclass(frozen=True, slots=True)
class RootPlan:
    """A root field: its response key, the check of its arguments, and how it is answered."""

    key: str
    check: Check
    arguments: ArgumentsOf
    answer: RootAnswer


@dataclass(frozen=True, slots=True)
class Plan:
    """How an operation runs, for one combination of its conditions."""

    variables: ReadVariables
    roots: tuple[RootPlan, ...]
    nested_checks: tuple[tuple[ArgumentsOf, Check], ...] = ()
    """The arguments of the fields below the root, and how they are checked."""
    shows_contents: bool = False
    """Whether it shows the data of executions, which may be large."""

    async def run(self, context: Context, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run the operation and return its data.

        Raises NotPlannable or another exception with nothing changed; or else AlreadyCommitted.
        """
        values = self.checked_variables(context, variables)
        run = Run(context, values)
        if len(self.roots) == 1:
            # A single root field checks its own arguments before it reads.
            [root] = self.roots
            try:
                return {root.key: await root.answer(run, root.arguments(values))}
            except AlreadyCommitted as committed:
                committed.key = root.key
                raise
        checked = [(root, self.checked_arguments(root, values, context)) for root in self.roots]
        return await _answer_together(run, checked)

    def checked_variables(self, context: Context, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Coerce variables, and check what they are below the root.

        Raises NotPlannable, or the first error in the arguments of a field.
        """
        values = self.variables(variables)
        for arguments, check in self.nested_checks:
            for error in check(arguments(values), context):
                raise error
        return values

    @staticmethod
    def checked_arguments(root: RootPlan, values: Variables, context: Context) -> Arguments:
        """Return the arguments of a root field. Raises the first error in them."""
        arguments = root.arguments(values)
        for error in root.check(arguments, context):
            raise error
        return arguments


async def _answer_together(run: Run, checked: list[tuple[RootPlan, Arguments]]) -> dict[str, Any]:
    """Answer independent root fields, a few at the same time, in the order of the operation."""
    answers: dict[str, Any] = dict.fromkeys(root.key for root, _ in checked)
    waiting = deque(checked)

    async def answer_next() -> None:
        while waiting:
            root, arguments = waiting.popleft()
            try:
                answers[root.key] = await root.answer(run, arguments)
            except BaseException:
                # There will be no answer, so nothing more should be read for it.
                waiting.clear()
                raise

    await asyncio.gather(*(answer_next() for _ in range(min(AT_ONCE, len(checked)))))
    return answers


Choice = tuple[bool, ...]
"""The values of the variables in an operation's conditions."""
PlanStore = BoundedStore[tuple[int, Choice], "Plan | str"]
"""Plans of many operations, or the reasons for none, by planner number and choice."""
_numbers = itertools.count()


class Planner:
    """Plans an operation, once for each combination of its conditions.

    Keeps the last plan itself; older ones are in a store that planners share, where each takes
    ``size`` bytes.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        operation: OperationDefinitionNode,
        store: PlanStore,
        *,
        size: int,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._flags = _flags(operation, self._fragments)
        self._store = store
        self._size = size
        self._number = next(_numbers)
        self._last: tuple[Choice, Plan | str] | None = None

    def plan(self, variables: Mapping[str, Any] | None) -> Plan | None:
        """Return the plan for the conditions in these variables, or None."""
        # Few operations have conditions; all others have one plan.
        found = self._find(variables) if self._flags or self._last is None else self._last[1]
        return found if isinstance(found, Plan) else None

    async def plan_in_thread(
        self, variables: Mapping[str, Any] | None, in_thread: InThread
    ) -> None:
        """Make the plan for the conditions in these variables in a thread, unless it is known."""
        choice = self._choice(variables)
        if isinstance(choice, str) or self._known(choice) is not None:
            return
        made = await in_thread(lambda: self._make(choice))
        self._keep(choice, made)

    def plan_unconditionally(self) -> None:
        """Plan an operation without conditions in advance."""
        if not self._flags:
            self._find(None)

    @functools.cached_property
    def needs_snapshot(self) -> bool:
        """Whether everything that the operation reads must be of one moment."""
        names = {node.name.value for node in root_fields(self._operation, self._fragments)}
        return EVENT_CURSOR in names and len(names) > 1

    @functools.cached_property
    def variables_below_root(self) -> frozenset[str]:
        """The variables on which values depend besides those in the arguments of root fields."""
        return frozenset(_names_below_root(self._operation, self._fragments))

    def argument_errors(
        self, variables: Mapping[str, Any] | None, context: Context
    ) -> list[GraphQLError]:
        """Return all errors in the arguments of the operation's root fields."""
        return argument_errors(
            self._schema, self._fragments, self._operation, self._flags, variables or {}, context
        )

    def reason(self, variables: Mapping[str, Any] | None) -> str:
        """Return why there is no plan, for people."""
        found = self._find(variables)
        return found if isinstance(found, str) else "there is one"

    def _find(self, variables: Mapping[str, Any] | None) -> "Plan | str":
        choice = self._choice(variables)
        if isinstance(choice, str):
            return choice
        found = self._known(choice)
        return self._keep(choice, self._make(choice)) if found is None else found

    def _choice(self, variables: Mapping[str, Any] | None) -> Choice | str:
        """Return the values of the conditions, or why there can be no plan for them."""
        if not self._flags:
            return ()
        if len(self._flags) > _MOST_FLAGS:
            return "too many conditions"
        given = variables or {}
        choice = tuple([given.get(name, default) for name, default in self._flags.items()])
        if not all(isinstance(flag, bool) for flag in choice):
            return "a condition that is neither true nor false"
        return choice

    def _known(self, choice: Choice) -> "Plan | str | None":
        if self._last is not None and self._last[0] == choice:
            return self._last[1]
        found = self._store.get((self._number, choice)) if self._flags else None
        if found is not None:
            self._last = choice, found
        return found

    def _keep(self, choice: Choice, made: "Plan | str") -> "Plan | str":
        if self._flags:
            self._store.put((self._number, choice), made, self._size)
        self._last = choice, made
        return made

    def _make(self, choice: Choice) -> "Plan | str":
        try:
            return self._plan_of(choice)
        except NotPlannable as reason:
            return str(reason)
        except Exception:
            # A bug in planning must not prevent a response.
            logger.exception("An operation could not be planned")
            return "an error in planning, which is logged"

    def _plan_of(self, choice: tuple[bool, ...]) -> Plan:
        definitions = self._operation.variable_definitions or ()
        flags = dict(zip(self._flags, choice, strict=True))
        planning = Planning(self._schema, self._fragments, flags, ROW_TYPES)
        roots = self._roots(planning)
        variables = variables_function(self._schema, definitions)
        return Plan(variables, roots, tuple(planning.checks), bool(planning.content_fields))

    def _roots(self, planning: Planning) -> tuple[RootPlan, ...]:
        root = self._schema.get_root_type(self._operation.operation)
        described = ROOTS.get(self._operation.operation, {})
        if root is None:
            raise NotPlannable("an operation that the schema does not have")
        selected: dict[str, list[FieldNode]] = {}
        planning.collect(self._operation.selection_set, root, selected, set())
        if self.is_mutation and len(selected) != 1:
            # If one of several changes fails, earlier ones stay; the executor reports that.
            raise NotPlannable("several changes, which are made in turn")
        roots = []
        for key, nodes in selected.items():
            name = nodes[0].name.value
            if name == TYPENAME:
                roots.append(
                    RootPlan(key, check_nothing, lambda _: Arguments({}), _constant(root.name))
                )
                continue
            if name.startswith("__"):
                answer = plan_introspection(
                    self._schema,
                    self._fragments,
                    self._operation.variable_definitions or (),
                    key,
                    nodes,
                )
                roots.append(RootPlan(key, check_nothing, lambda _: Arguments({}), answer))
                continue
            field = root.fields[name]
            answer = described[name].plan(planning, nodes, field)
            arguments = arguments_of(field, nodes[0])
            roots.append(RootPlan(key, described[name].check, arguments, answer))
        return tuple(roots)

    @property
    def is_mutation(self) -> bool:
        """Whether the operation is a mutation."""
        return self._operation.operation is OperationType.MUTATION


def _constant(value: str) -> RootAnswer:
    async def answer(_run: Run, _arguments: Arguments) -> str:
        return value

    return answer


def _flags(operation: OperationDefinitionNode, fragments: Fragments) -> dict[str, Any]:
    """Return the variables in an operation's conditions, with their defaults."""
    names = sorted(_names_in_conditions(operation, fragments))
    defaults = {
        variable.variable.name.value: getattr(variable.default_value, "value", None)
        for variable in operation.variable_definitions or ()
    }
    return {name: defaults.get(name) for name in names}


def _names_in_conditions(operation: OperationDefinitionNode, fragments: Fragments) -> set[str]:
    names: set[str] = set()
    for node in _nodes_below((operation,), fragments):
        for directive in node.directives or ():
            names |= variables_in(argument.value for argument in directive.arguments or ())
    return names


def _names_below_root(operation: OperationDefinitionNode, fragments: Fragments) -> set[str]:
    """Return the variables on which the values of root fields depend besides their arguments."""
    names = _names_in_conditions(operation, fragments)
    roots = set(root_fields(operation, fragments))
    for node in _nodes_below(roots, fragments):
        if isinstance(node, FieldNode) and node not in roots:
            names |= variables_in(argument.value for argument in node.arguments or ())
    return names


def _nodes_below(nodes: Iterable[Any], fragments: Fragments) -> Iterator[Any]:
    """Yield some nodes and all selections below them, those of each fragment once."""
    spread: set[str] = set()
    waiting: list[Any] = [*nodes]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FragmentSpreadNode):
            if node.name.value not in spread:
                spread.add(node.name.value)
                waiting.append(fragments[node.name.value])
        elif node.selection_set is not None:
            waiting.extend(node.selection_set.selections)
