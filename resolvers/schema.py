"""The executable schema, built from its types and root fields."""

import inspect
from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    execute,
)
from graphql.execution.values import get_variable_values
from graphql.utilities.print_schema import print_schema_definition
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError

from db.errors import quote
from resolvers.arguments import Arguments
from resolvers.context import Context, Run
from resolvers.mutation import Mutation
from resolvers.objects import Planning
from resolvers.query import Query
from resolvers.roots import ROOTS
from resolvers.row_types import ROW_TYPES
from resolvers.subscription import Subscription
from schema.scalars import SCALARS

_DESCRIPTION = (
    "Executions of agentflows: find them, page through them, change and delete them. An execution "
    "is one run of an agentflow, which is a graph of LLM agents."
)
# The number at which graphql-core's executor stops.
_MOST_ERRORS = 50
_LONGER = 100


class Schema(strawberry.Schema):
    """The gateway's schema. The edges handle errors: they know who may see what."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Don't log here: most errors are the caller's."""

    def as_str(self) -> str:
        """Print the schema with its description, which Strawberry omits."""
        return f"{print_schema_definition(self._schema)}\n\n{super().as_str()}"

    async def run(
        self,
        document: DocumentNode,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
    ) -> ExecutionResult:
        """Execute an operation of a valid document by graphql-core; never raises."""
        try:
            result: Any = execute(
                self._schema,
                document,
                variable_values=variables,
                operation_name=operation_name,
                context_value=Run(context, {}),
                is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
                executor_class=self.execution_context_class,
                operation_extensions=None,
            )
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # noqa: BLE001 - the edges know what their clients may see
            failure = GraphQLError(str(error), original_error=error)
            return PreExecutionError(data=None, errors=[failure])
        return ExecutionResult(data=result.data, errors=result.errors)

    def errors_in(
        self, variables: Mapping[str, Any], operation: OperationDefinitionNode
    ) -> list[GraphQLError]:
        """Return the errors in the values of an operation's variables, as ``run`` reports them."""
        values = get_variable_values(
            self._schema,
            operation.variable_definitions or (),
            dict(variables),
            max_errors=_MOST_ERRORS,
            hide_suggestions=self.execution_context_class is _WithoutSuggestions,
        )
        return values if isinstance(values, list) else []


class _Completed:
    """The complete value of a root field, which needs no further completion."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


async def _answer_root(_source: object, info: GraphQLResolveInfo[Run], **given: Any) -> _Completed:
    """Answer a root field as plans do; the executor adds the path of an error."""
    # Strawberry's executor passes on the coerced values themselves.
    variables: Any = info.variable_values
    planning = Planning(info.schema, info.fragments, variables, ROW_TYPES)
    field = info.parent_type.fields[info.field_name]
    root = ROOTS[info.operation.operation][info.field_name]
    answer = root.plan(planning, info.field_nodes, field)
    run = info.context
    # They are known only now, and the same for all root fields.
    run.variables = variables
    return _Completed(await answer(run, Arguments(given)))


class _Executor(StrawberryGraphQLCoreExecutionContext):
    """Executes root fields in turn or together, and takes their values as complete."""

    def complete_value(self, *args: Any, **kwargs: Any) -> Any:
        """Complete a value, unless a root field returned it complete."""
        result = args[4]
        return (
            result.value
            if isinstance(result, _Completed)
            else super().complete_value(*args, **kwargs)
        )


class _WithoutSuggestions(_Executor):
    """Executes without suggesting names if the values of variables don't fit."""

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> Any:
        """Build an executor."""
        return super().build(*args, **kwargs | {"hide_suggestions": True})


def build_schema(*, suggestions: bool = True) -> Schema:
    """Build the schema; ``suggestions`` says whether errors suggest names."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        execution_context_class=_Executor if suggestions else _WithoutSuggestions,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema._schema.description = _DESCRIPTION  # noqa: SLF001 - Strawberry has no public way
    for kind in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no public way
        if isinstance(kind, GraphQLEnumType):
            _refuse_long_names(kind)
    for operation, roots in ROOTS.items():
        root = schema._schema.get_root_type(operation)  # noqa: SLF001 - the same
        for name, field in root.fields.items() if root else ():
            if name not in roots:
                raise LookupError(f"the root field {name} has no description")
            field.resolve = _answer_root
    return schema


def _refuse_long_names(kind: GraphQLEnumType) -> None:
    """Refuse a text that is longer than any name without a look for names that are like it."""
    coerce = kind.coerce_input_value
    longest = max(map(len, kind.values), default=0) + _LONGER

    def coerce_short(value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) > longest:
            raise GraphQLError(f"Value {quote(value)} does not exist in '{kind.name}' enum.")
        return coerce(value, *args, **kwargs)

    kind.coerce_input_value = coerce_short  # type: ignore[assignment, method-assign]
