"""What every operation goes through, whichever way it came in.

A document is read, measured, validated and priced once, and kept; what depends on the request
(whether its key has the scopes, what it costs with its variables) is checked every time.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from db.engine import Measure
from db.errors import InvalidInput
from db.keys import Scope
from resolvers.plans import Planner
from server.cost import Cost, cost_of
from server.limits import Limits, check_document, check_text
from server.scopes import needed_scopes

PREPARED_OPERATIONS = 1000
"""How many documents are kept prepared."""
_LONGEST_KEPT = 20_000
_NOTHING = parse("{ __typename }")


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """One operation of a document: what it needs, what it costs, and the plans it has."""

    kind: OperationType
    scopes: tuple[Scope, ...]
    cost: Cost
    planner: Planner


class Prepared:
    """A document that is parsed, what is wrong with it, and its operations.

    An operation is prepared when it is first asked for, of what stands in it and in the
    fragments that it reaches.
    """

    def __init__(
        self,
        document: DocumentNode,
        errors: tuple[GraphQLError, ...] = (),
        make: Callable[[OperationDefinitionNode], PreparedOperation] | None = None,
    ) -> None:
        self.document = document
        self.errors = errors
        self.definitions = {
            definition.name.value if definition.name else None: definition
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }
        self.is_unreadable = document is _NOTHING
        """Whether the text could not be read, so that it can't be said what is in it."""
        self._make = make
        self._operations: dict[str | None, PreparedOperation] = {}

    def definition(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of a name, or without one the first; None when there is none."""
        if name is None:
            return next(iter(self.definitions.values()), None)
        return self.definitions.get(name)

    def find(self, name: str | None) -> PreparedOperation | None:
        """The operation of a name, or the only one; None when the document can't be run so."""
        if self._make is None:
            return None
        if name is None:
            if len(self.definitions) != 1:
                return None
            [name] = self.definitions
        operation = self._operations.get(name)
        if operation is None:
            definition = self.definitions.get(name)
            if definition is None:
                return None
            operation = self._operations[name] = self._make(definition)
        return operation


def name_needed(prepared: Prepared) -> InvalidInput:
    """The error of a request that leaves open which of several operations it means."""
    # GraphQL, section 6.1, GetOperation, step 1.
    count = len(prepared.definitions)
    return InvalidInput(f"operationName must say which of the {count} operations to run")


class OperationStore:
    """Prepares documents for a schema within limits, and keeps those used last."""

    def __init__(
        self,
        limits: Limits,
        *,
        introspection: bool = True,
        size: int = PREPARED_OPERATIONS,
    ) -> None:
        self.limits = limits
        self._introspection = introspection
        self._size = size
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._found = self._made = 0

    def prepare(self, query: str, schema: GraphQLSchema) -> Prepared:
        """A document ready to run, or with the errors that forbid it; never raises."""
        prepared = self._kept.get(query)
        if prepared is None:
            self._made += 1
            prepared = self._prepare(query, schema)
            self._keep(query, prepared)
        else:
            self._found += 1
            self._kept.move_to_end(query)
        return prepared

    def measures(self) -> list[Measure]:
        """How often a document was found prepared, with its plan, and how often it was not."""
        return [
            self._measure("hit", lambda: self._found),
            self._measure("miss", lambda: self._made),
        ]

    def _measure(self, result: str, value: Callable[[], float]) -> Measure:
        return Measure(
            "gateway_plan_cache",
            "Documents that were found prepared, with their plans, or had to be.",
            {"result": result},
            value,
            only_grows=True,
        )

    def cost_report(self, cost: int) -> dict[str, int]:
        """What a client is told that asked what its operation costs."""
        return {"requested": cost, "maximum": self.limits.max_cost}

    def _keep(self, query: str, prepared: Prepared) -> None:
        if len(query) > _LONGEST_KEPT:
            return
        self._kept[query] = prepared
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def _prepare(self, query: str, schema: GraphQLSchema) -> Prepared:
        # What is raised here would escape from Strawberry's streams, so it is handed on with a
        # document that is not going to be executed.
        try:
            check_text(query, self.limits)
            document = parse(query)
            check_document(document, self.limits)
            errors = self._validate(schema, document)
            if errors:
                return Prepared(document, tuple(errors))
            return Prepared(document, make=functools.partial(self._operation, schema, document))
        except GraphQLError as error:
            return Prepared(_NOTHING, (error,))
        except RecursionError as error:
            return Prepared(_NOTHING, (GraphQLError(str(error), original_error=error),))

    def _validate(self, schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        rules = [*specified_rules, *recommended_rules, OneOfInputValidationRule]
        if not self._introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        return validate(
            schema,
            document,
            rules,
            max_errors=self.limits.max_validation_errors,
            hide_suggestions=not self._introspection,
        )

    def _operation(
        self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode
    ) -> PreparedOperation:
        return PreparedOperation(
            definition.operation,
            tuple(sorted(needed_scopes(schema, document, definition))),
            cost_of(
                schema,
                document,
                definition,
                max_page_size=self.limits.max_page_size,
                max_ids=self.limits.max_ids,
            ),
            Planner(schema, document, definition),
        )
