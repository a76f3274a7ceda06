"""The executable schema, put together from its types and resolvers."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from resolvers.mutation import Mutation
from resolvers.query import Query
from schema.scalars import SCALARS


class Schema(strawberry.Schema):
    """The gateway's schema; errors are left to the edges, which know who may see what."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing here: most errors are the caller's own."""


class _WithoutSuggestions(StrawberryGraphQLCoreExecutionContext):
    """Executes without suggesting names when the values of variables don't fit."""

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> Any:
        """Build an executor."""
        return super().build(*args, **kwargs | {"hide_suggestions": True})


def build_schema(
    extensions: Iterable[type[SchemaExtension]] = (), *, suggestions: bool = True
) -> Schema:
    """Put the schema together, with Strawberry extensions if any.

    ``suggestions`` says whether errors may name what a client could have meant.
    """
    return Schema(
        query=Query,
        mutation=Mutation,
        extensions=list(extensions),
        execution_context_class=None if suggestions else _WithoutSuggestions,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
