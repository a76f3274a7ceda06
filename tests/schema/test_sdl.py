"""The schema that is written down is the schema that is served."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLNamedType,
    introspection_from_schema,
    is_introspection_type,
    is_non_null_type,
    is_specified_scalar_type,
)
from graphql import build_schema as build_graphql
from graphql.type import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from resolvers.schema import build_schema

WRITTEN = Path(__file__).parents[2] / "schema" / "schema.graphql"


def test_the_written_schema_is_what_the_code_prints() -> None:
    assert WRITTEN.read_text("utf-8") == build_schema().as_str() + "\n", (
        "the schema changed: look at the difference, then run `make schema`"
    )


def test_the_schema_has_a_description_in_introspection_and_in_print() -> None:
    schema = build_schema()
    described = introspection_from_schema(schema._schema, schema_description=True)["__schema"]
    assert (described["description"] or "").startswith("Executions of agentflows")
    assert build_graphql(schema.as_str()).description == described["description"]


def test_every_root_field_of_mutations_is_nullable() -> None:
    mutation = build_schema()._schema.mutation_type
    assert mutation
    assert not [name for name, field in mutation.fields.items() if is_non_null_type(field.type)]


def test_everything_in_the_schema_has_a_description() -> None:
    lacking = [
        name
        for type_ in build_schema()._schema.type_map.values()
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
        for name, description in _described(type_)
        if not description
    ]
    assert lacking == []


def _described(type_: GraphQLNamedType) -> list[tuple[str, str | None]]:
    found = [(type_.name, type_.description)]
    if isinstance(type_, GraphQLEnumType):
        found += [
            (f"{type_.name}.{name}", value.description) for name, value in type_.values.items()
        ]
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            found.append((f"{type_.name}.{name}", field.description))
            found += [
                (f"{type_.name}.{name}({argument})", definition.description)
                for argument, definition in field.args.items()
            ]
    if isinstance(type_, GraphQLInputObjectType):
        found += [
            (f"{type_.name}.{name}", field.description) for name, field in type_.fields.items()
        ]
    return found
