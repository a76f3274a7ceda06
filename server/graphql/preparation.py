"""Prepare documents: parse, measure, validate and price them once, and cache the result.

What depends on the request (whether its key has the scopes, the cost with its variables) is checked
every time. Long documents are prepared in a thread, so that the event loop goes on.
"""

import asyncio
import functools
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from db.bounded_store import BoundedStore
from db.database import Metric
from resolvers.plans import Plan, Planner, PlanStore
from resolvers.selections import Fragments, characters_of, fragments_of
from server.graphql.cost import cost_of
from server.graphql.limits import Limits, check_document, check_text
from server.graphql.prepared import NOTHING, OperationCache, Prepared, PreparedOperation
from server.graphql.scopes import needed_scopes
from server.graphql.tokens import drop_tokens

_T = TypeVar("_T")
_DOCUMENTS_BYTES = 64 * 2**20
_OPERATIONS_BYTES = 32 * 2**20
_PLANS_BYTES = 16 * 2**20
# The size of a document with its operations and their first plans, measured and rounded up.
_BYTES_OF_ANY = 4_000
_BYTES_OF_TOKEN = 1_000
_BYTES_OF_FIELD = 1_000
# Fewer than there are, so that no operation is taken for smaller than it is.
_CHARACTERS_OF_TOKEN = 3
# Up to this length, handing over to a thread costs more than it saves.
_LONGEST_SHORT = 1_000
_FEW_FIELDS = 200
"""With more fields than this, fragments included, a document is prepared in a thread."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A document that is parsed and within the limits, but not validated yet."""

    document: DocumentNode
    tokens: int
    fields: Mapping[str | None, int]
    """The number of fields in each operation, by its name."""

    @property
    def field_count(self) -> int:
        return sum(self.fields.values())


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
        """Like ``prepare``, but prepare a document that is long or has many fields in a thread.

        Concurrent requests for the same document share one preparation.
        """
        prepared = self._find(query)
        if prepared is not None:
            return prepared
        if len(query) <= _LONGEST_SHORT:
            read = self._read(query)
            if isinstance(read, Prepared):
                return self._keep(query, read)
            if read.field_count <= _FEW_FIELDS:
                return self._keep(query, self._finish(read, schema))
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

        If the document is large, the operation is prepared and planned in a thread.
        """
        is_small = len(query) <= _LONGEST_SHORT and prepared.fields <= _FEW_FIELDS
        if is_small or len(prepared.definitions) == 1:
            return prepared.find(name)
        known = prepared.known(name)
        if known is not None:
            return known
        made = await self.in_thread(lambda: _planned(prepared.make(name)))
        if made is not None:
            prepared.keep(made)
        return made

    async def plan(self, operation: PreparedOperation, variables: Mapping[str, Any]) -> Plan | None:
        """Return the plan of an operation for its conditions; make that of a large one in a thread.

        Returns None if there is no plan.
        """
        planner = operation.planner
        if operation.is_large:
            await planner.plan_in_thread(variables, self.in_thread)
        return planner.plan(variables)

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
            if len(prepared.definitions) == 1:
                # Its plan is kept with it.
                size += _BYTES_OF_FIELD * prepared.fields
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
        read = self._read(query)
        return read if isinstance(read, Prepared) else self._finish(read, schema)

    def _read(self, query: str) -> "_Read | Prepared":
        """Parse a document and check its limits, or return it with its error."""
        # Errors are cached with the document.
        try:
            tokens = check_text(query, self.limits)
            document = parse(query)
            drop_tokens(document)
            return _Read(document, tokens, check_document(document, self.limits))
        except GraphQLError as error:
            return Prepared(NOTHING, (error,))
        except RecursionError as error:
            return _too_deep(error)

    def _finish(self, read: "_Read", schema: GraphQLSchema) -> Prepared:
        """Validate a document, and plan its operation if it has one."""
        document = read.document
        try:
            errors = self._validate(schema, document)
            if errors:
                return Prepared(document, tuple(errors), tokens=read.tokens)
            make = functools.partial(self._operation, schema, fragments_of(document), read.fields)
            prepared = Prepared(
                document,
                make=make,
                tokens=read.tokens,
                fields=read.field_count,
                operations=self._operations,
            )
            # Plan here, in case this is the thread; nearly every document has one operation.
            if len(prepared.definitions) == 1 and (operation := prepared.find(None)):
                operation.planner.plan_unconditionally()
        except RecursionError as error:
            return _too_deep(error)
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
        fields: Mapping[str | None, int],
        definition: OperationDefinitionNode,
    ) -> PreparedOperation:
        count = fields[definition.name.value if definition.name else None]
        tokens = characters_of(definition, fragments) // _CHARACTERS_OF_TOKEN
        size = _BYTES_OF_ANY + _BYTES_OF_TOKEN * tokens + _BYTES_OF_FIELD * count
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
            is_large=count > _FEW_FIELDS,
        )


def _too_deep(error: RecursionError) -> Prepared:
    return Prepared(NOTHING, (GraphQLError(str(error), original_error=error),))


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
