"""Explain how an operation runs: its cost, its scopes, its plan and the plan's statements."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, OperationType

from db.agentflows import Agentflows
from db.database import Database
from db.errors import InvalidInput
from db.events.log import EventLog
from db.executions import Executions
from db.sessions import Sessions
from resolvers.context import Context
from resolvers.schema import build_schema
from server.graphql.preparation import OperationStore
from server.graphql.prepared import PreparedOperation
from server.operation.settings import Settings


async def explain(
    settings: Settings,
    database: Database,
    query: str,
    variables: Mapping[str, Any],
    operation_name: str | None = None,
) -> list[str]:
    """Return the lines that explain an operation. Queries are run, mutations are not.

    Raises InvalidInput for a document that would be refused.
    """
    store = OperationStore(settings.limits)
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to it
    prepared = store.prepare(query, schema)
    if prepared.errors:
        raise InvalidInput("; ".join(map(_said, prepared.errors)))
    operation = prepared.find(operation_name)
    if operation is None:
        raise InvalidInput("Say with --operation which of the operations is meant")
    cost, (_, most) = operation.cost(variables), settings.limits.highest_cost(operation.kind)
    scopes = ", ".join(operation.scopes) or "none"
    lines = [f"cost: {cost} of at most {most}", f"scopes: {scopes}"]
    plan = operation.planner.plan(variables)
    if plan is None:
        reason = operation.planner.reason(variables)
        return [*lines, f"plan: none, graphql-core runs it: {reason}"]
    roots = ", ".join(root.key for root in plan.roots)
    lines.append(f"plan: {len(plan.roots)} root field(s): {roots}")
    if operation.planner.is_mutation:
        return [*lines, "It changes something, so it is not run here"]
    if operation.kind is OperationType.SUBSCRIPTION:
        return [*lines, "It reads from the log of events as they come, so it is not run here"]
    return lines + await _statements(settings, database, operation, variables)


async def _statements(
    settings: Settings,
    database: Database,
    operation: PreparedOperation,
    variables: Mapping[str, Any],
) -> list[str]:
    plan = operation.planner.plan(variables)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    database.on_read = lambda statement, parameters: asked.append((statement, parameters))
    try:
        if plan is not None:
            context = Context(
                Executions(database),
                Agentflows(database),
                Sessions(database),
                EventLog(database),
                max_page_size=settings.max_page_size,
                max_ids=settings.max_ids,
            )
            await plan.run(context, variables)
    except Exception as error:  # noqa: BLE001 - graphql-core answers then
        return [f"graphql-core answers with these variables: {error}"]
    finally:
        database.on_read = None
    lines = []
    for statement, parameters in asked:
        lines += ["", *statement.splitlines()]
        lines += [f"  -> {step}" for step in await database.explain(statement, parameters)]
    return lines


def _said(error: GraphQLError) -> str:
    return error.message
