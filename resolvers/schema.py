"""The executable schema, put together from its types and resolvers."""

from collections.abc import Iterable

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
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


def build_schema(extensions: Iterable[type[SchemaExtension]] = ()) -> Schema:
    """Put the schema together, with Strawberry extensions if any."""
    return Schema(
        query=Query,
        mutation=Mutation,
        extensions=list(extensions),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
