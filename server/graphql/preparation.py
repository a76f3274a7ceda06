"""Prepare documents: parse, measure, validate and price them once, and cache the result.

What depends on the request (whether its key has the scopes, the cost with its variables) is checked
every time. Long documents are prepared in a thread, so that the event loop goes on.
"""

import asyncio
import functools
import itertools
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

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

from db.bounded_store import BoundedStore
from db.database import Metric
from db.errors import InvalidInput
from db.keys import Scope
from resolvers.plans import Planner, PlanStore
from resolvers.selections import Fragments, characters_of, fragments_of
from server.graphql.cost import Cost, cost_of
from server.graphql.limits import Limits, check_document, check_text
from server.graphql.scopes import needed_scopes
from server.graphql.tokens import drop_tokens

_T = TypeVar("_T")
_DOCUMENTS_BYTES = 64 * 2**20
_OPERATIONS_BYTES = 32 * 2**20
_PLANS_BYTES = 16 * 2**20
# The size of a document with its operations and their first plans, measured and rounded up.
_BYTES_OF_ANY = 4_000
_BYTES_OF_TOKEN = 1_000
# Fewer than there are, so that no operation is taken for smaller than it is.
_CHARACTERS_OF_TOKEN = 3
# Up to this length, handing over to a thread costs more than it saves.
_LONGEST_SHORT = 1_000
_NOTHING = parse("{ __typename }")


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation with the scopes it needs, its cost, and its plans."""

    definition: OperationDefinitionNode
    scopes: tuple[Scope, ...]
    cost: Cost
    planner: Planner
    size: int
    """The bytes that it takes, as estimated."""

    @property
    def kind(self) -> OperationType:
        """Whether the operation is a query, a mutation or a subscription."""
        return self.definition.operation


OperationCache = BoundedStore[tuple[int, str | None], PreparedOperation]
"""Operations of documents with several, by the number of the document and their names."""
_numbers = itertools.count()


class Prepared:
    """A parsed document, its errors, and its operations.

    An operation is prepared when first needed, from its own text and the fragments it uses.
    """

    def __init__(
        self,
        document: DocumentNode,
        errors: tuple[GraphQLError, ...] = (),
        make: Callable[[OperationDefinitionNode], PreparedOperation] | None = None,
        tokens: int = 0,
        operations: OperationCache | None = None,
    ) -> None:
        self.document = document
        self.errors = errors
        self.definitions = {
            definition.name.value if definition.name else None: definition
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }
        self.tokens = tokens
        self.is_unreadable = document is _NOTHING
        """Whether the text could not be parsed."""
        self._make = make
        self._number = next(_numbers)
        self._only: PreparedOperation | None = None
        self._operations = operations

    def definition(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation with a name, or without one the first; None if there is none."""
        if name is None:
            return next(iter(self.definitions.values()), None)
        return self.definitions.get(name)

    def find(self, name: str | None) -> PreparedOperation | None:
        """Return the operation with a name, or the only one; None if that can't run."""
        known = self.known(name)
        if known is not None:
            return known
        operation = self.make(name)
        if operation is not None:
            self.keep(operation)
        return operation

    def known(self, name: str | None) -> PreparedOperation | None:
        """Return an operation that is prepared already, or None."""
        if self._only is not None:
            return self._only if name is None or name in self.definitions else None
        return self._operations.get((self._number, name)) if self._operations is not None else None

    def make(self, name: str | None) -> PreparedOperation | None:
        """Prepare an operation; any thread may do so."""
        if self._make is None or (name is None and len(self.definitions) != 1):
            return None
        definition = self.definition(name)
        return None if definition is None else self._make(definition)

    def keep(self, operation: PreparedOperation) -> None:
        """Keep an operation that was prepared."""
        if len(self.definitions) == 1:
            # It is part of what the document takes in its own store.
            self._only = operation
        elif self._operations is not None:
            name = operation.definition.name
            key = self._number, name.value if name else None
            self._operations.put(key, operation, operation.size)


def name_needed(prepared: Prepared) -> InvalidInput:
    """Return the error of a request that does not say which of several operations to run."""
    # GraphQL, section 6.1, GetOperation, step 1.
    count = len(prepared.definitions)
    return InvalidInput(f"operationName must say which of the {count} operations to run")


class OperationStore:
    """Prepares documents for a schema within limits, and caches the most recently used."""

    def __init__(
        self,
        limits: Limits,
        *,
        introspection: bool = True,
        max_bytes: int = _DOCUMENTS_BYTES,
        max_plan_bytes: int = _PLANS_BYTES,
    ) -> None:
        self.limits = limits
        self._introspection = introspection
        self._kept: BoundedStore[str, Prepared] = BoundedStore("documents", max_bytes=max_bytes)
        self._plans: PlanStore = BoundedStore("plans", max_bytes=max_plan_bytes)
        self._operations: OperationCache = BoundedStore("operations", max_bytes=_OPERATIONS_BYTES)
        self._under_way: dict[str, asyncio.Future[Prepared]] = {}
        # A single thread, so that documents can't take the processor from everything else.
        self._thread = ThreadPoolExecutor(1, "prepare")
        self._found = self._made = 0

    def prepare(self, query: str, schema: GraphQLSchema) -> Prepared:
        """Return a document that is ready to run, or its errors; never raises."""
        prepared = self._find(query)
        return self._keep(query, self._prepare(query, schema)) if prepared is None else prepared

    async def prepare_async(self, query: str, schema: GraphQLSchema) -> Prepared:
        """Like ``prepare``, but prepare a long document in a thread.

        Concurrent requests for the same document share one preparation.
        """
        prepared = self._find(query)
        if prepared is not None:
            return prepared
        if len(query) <= _LONGEST_SHORT:
            return self._keep(query, self._prepare(query, schema))
        under_way = self._under_way.get(query)
        if under_way is None:
            under_way = asyncio.ensure_future(self._prepare_in_thread(query, schema))
            self._under_way[query] = under_way
        # A request that is cancelled must not cancel it for the others.
        return await asyncio.shield(under_way)

    async def find_operation(
        self, prepared: Prepared, query: str, name: str | None
    ) -> PreparedOperation | None:
        """Return an operation of a document, as ``Prepared.find`` does.

        If the document is long, the operation is prepared and planned in a thread.
        """
        if len(query) <= _LONGEST_SHORT or len(prepared.definitions) == 1:
            return prepared.find(name)
        known = prepared.known(name)
        if known is not None:
            return known
        made = await self.in_thread(lambda: _planned(prepared.make(name)))
        if made is not None:
            prepared.keep(made)
        return made

    async def in_thread(self, call: Callable[[], _T]) -> _T:
        """Call a function in the thread, one at a time, to keep the event loop free."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _prepare_in_thread(self, query: str, schema: GraphQLSchema) -> Prepared:
        try:
            prepared = await self.in_thread(functools.partial(self._prepare, query, schema))
        finally:
            del self._under_way[query]
        return self._keep(query, prepared)

    def _find(self, query: str) -> Prepared | None:
        prepared = self._kept.get(query)
        if prepared is None:
            self._made += 1
        else:
            self._found += 1
        return prepared

    def _keep(self, query: str, prepared: Prepared) -> Prepared:
        for error in prepared.errors:
            _drop_frames(error)
        if len(query) <= self.limits.max_document_bytes:
            size = sys.getsizeof(query) + _BYTES_OF_ANY + _BYTES_OF_TOKEN * prepared.tokens
            self._kept.put(query, prepared, size)
        return prepared

    def metrics(self) -> list[Metric]:
        """Return how often a document was found prepared, and the use of the stores."""
        return [
            self._metric("hit", lambda: self._found),
            self._metric("miss", lambda: self._made),
            *self._kept.metrics(),
            *self._operations.metrics(),
            *self._plans.metrics(),
        ]

    def _metric(self, result: str, value: Callable[[], float]) -> Metric:
        return Metric(
            "gateway_plan_cache",
            "Requests whose document was found prepared, or had to be prepared.",
            {"result": result},
            value,
            is_counter=True,
        )

    def cost_report(self, cost: int) -> dict[str, int]:
        """Return the cost report for a client that asked for it."""
        return {"requested": cost, "maximum": self.limits.max_cost}

    def _prepare(self, query: str, schema: GraphQLSchema) -> Prepared:
        # Errors are cached with the document.
        try:
            tokens = check_text(query, self.limits)
            document = parse(query)
            drop_tokens(document)
            check_document(document, self.limits)
            errors = self._validate(schema, document)
            if errors:
                return Prepared(document, tuple(errors), tokens=tokens)
            fragments = fragments_of(document)
            make = functools.partial(self._operation, schema, fragments)
            prepared = Prepared(document, make=make, tokens=tokens, operations=self._operations)
            # Plan here, in case this is the thread; nearly every document has one operation.
            if len(prepared.definitions) == 1 and (operation := prepared.find(None)):
                operation.planner.plan_unconditionally()
        except GraphQLError as error:
            return Prepared(_NOTHING, (error,))
        except RecursionError as error:
            return Prepared(_NOTHING, (GraphQLError(str(error), original_error=error),))
        return prepared

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
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        definition: OperationDefinitionNode,
    ) -> PreparedOperation:
        tokens = characters_of(definition, fragments) // _CHARACTERS_OF_TOKEN
        size = _BYTES_OF_ANY + _BYTES_OF_TOKEN * tokens
        return PreparedOperation(
            definition,
            tuple(sorted(needed_scopes(schema, fragments, definition))),
            cost_of(
                schema,
                fragments,
                definition,
                max_page_size=self.limits.max_page_size,
                max_ids=self.limits.max_ids,
            ),
            Planner(schema, fragments, definition, self._plans, size=size),
            size,
        )


def _planned(operation: PreparedOperation | None) -> PreparedOperation | None:
    if operation is not None:
        operation.planner.plan_unconditionally()
    return operation


def _drop_frames(error: BaseException) -> None:
    """Remove the stack frames from an error that is kept, and from its causes."""
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and found.__traceback__ is not None:
            found.__traceback__ = None
            waiting += [found.__cause__, found.__context__]
        if isinstance(found, GraphQLError):
            waiting.append(found.original_error)
