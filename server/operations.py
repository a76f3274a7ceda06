"""What every operation goes through, whichever way it came in."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.execution import ExecutionResult, StreamExecutionResult

from db.errors import InvalidInput
from server.errors import code_without_cause, present_error

PREPARED_OPERATIONS = 1000
"""How many documents are kept parsed and validated."""
_LONGEST_KEPT = 10_000
_NOTHING = parse("{ __typename }")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is parsed, and what validation found wrong with it."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...]


class PreparedOperations:
    """The documents used last, parsed and validated, by their text."""

    def __init__(self, size: int = PREPARED_OPERATIONS) -> None:
        self._size = size
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def find(self, query: str) -> Prepared | None:
        """What was kept for a text, if anything."""
        prepared = self._kept.get(query)
        if prepared is not None:
            self._kept.move_to_end(query)
        return prepared

    def keep(self, query: str, prepared: Prepared) -> None:
        """Keep a document, and let go of the one unused for longest when there are too many."""
        if len(query) > _LONGEST_KEPT:
            return
        self._kept[query] = prepared
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Preparation(SchemaExtension):
    """Parses and validates each document once, and presents the errors of streamed results."""

    operations: PreparedOperations

    def on_parse(self) -> Iterator[None]:
        """Put the document in place, from those that are kept if it is there."""
        context = self.execution_context
        query = context.query or ""
        prepared = self.operations.find(query)
        if prepared is None:
            prepared = _prepare(query, context.schema._schema)  # noqa: SLF001 - no public way
            self.operations.keep(query, prepared)
        context.graphql_document = prepared.document
        context.pre_execution_errors = list(prepared.errors) or self._unnamed(prepared.document)
        yield

    def _unnamed(self, document: DocumentNode) -> list[GraphQLError]:
        # Strawberry would run the first operation (GraphQL, section 6.1, GetOperation step 1).
        if self.execution_context._provided_operation_name is not None:  # noqa: SLF001
            return []
        operations = [
            definition
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        if len(operations) < 2:
            return []
        return [
            GraphQLError(
                f"operationName must say which of the {len(operations)} operations to run",
                extensions={"code": InvalidInput.code},
            )
        ]

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Give errors their codes before Strawberry writes them to a WebSocket."""
        if isinstance(result, ExecutionResult) and result.errors:
            code = code_without_cause(result)
            result.errors = [present_error(error, code) for error in result.errors]
        yield


def _prepare(query: str, schema: GraphQLSchema) -> Prepared:
    # Strawberry's streams let an error escape that is raised here, so it is handed on instead,
    # with a document that is not going to be executed.
    try:
        document = parse(query)
        return Prepared(document, tuple(validate_document(schema, document, specified_rules)))
    except GraphQLError as error:
        return Prepared(_NOTHING, (error,))
    except RecursionError as error:
        return Prepared(_NOTHING, (GraphQLError(str(error), original_error=error),))


def preparation(operations: PreparedOperations) -> type[Preparation]:
    """The extension that keeps its documents in ``operations``."""
    return type("Preparation", (Preparation,), {"operations": operations})
