"""Documents that are ready to run, with their operations."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
)

from db.bounded_store import BoundedStore
from db.errors import InvalidInput
from db.keys import Scope
from resolvers.plans import Planner
from server.graphql.cost import Cost

NOTHING = parse("{ __typename }")
"""The document in place of one that can't be read."""


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation with the scopes it needs, its cost, and its plans."""

    definition: OperationDefinitionNode
    scopes: tuple[Scope, ...]
    cost: Cost
    planner: Planner
    size: int
    """The bytes that it takes, as estimated."""
    is_large: bool = False
    """Whether planning it takes so long that it should be done in a thread."""

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
        fields: int = 0,
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
        self.fields = fields
        """The number of fields in its operations."""
        self.is_unreadable = document is NOTHING
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
