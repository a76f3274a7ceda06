"""A plain Strawberry server, written as its documentation teaches, for the page of 50."""

import base64
import os
from datetime import UTC, datetime

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from strawberry.asgi import GraphQL

from db.models import Agentflow
from db.models import Execution as Stored
from db.opening import normalize_url

engine = create_async_engine(normalize_url(os.environ["BENCH_DATABASE"]))
sessions = async_sessionmaker(engine, expire_on_commit=False)


@strawberry.type
class Execution:
    """An execution."""

    guid: strawberry.ID
    state: str
    agentflow_id: strawberry.ID
    agentflow_name: str | None
    session_id: strawberry.ID | None
    created_on: datetime


@strawberry.type
class Edge:
    """An execution and its cursor."""

    cursor: str
    node: Execution


@strawberry.type
class PageInfo:
    """The end of a page."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection:
    """A page of executions."""

    edges: list[Edge]
    page_info: PageInfo


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def executions(self, first: int = 50) -> Connection:
        """The newest executions."""
        statement = (
            select(Stored, Agentflow.name)
            .outerjoin(Agentflow, Agentflow.id == Stored.agentflow_id)
            .order_by(Stored.created_on.desc(), Stored.id.desc())
            .limit(first + 1)
        )
        async with sessions() as opened:
            found = (await opened.execute(statement)).all()
        edges = [
            Edge(
                cursor=base64.b64encode(f"{row.created_on},{row.id}".encode()).decode(),
                node=Execution(
                    guid=strawberry.ID(row.guid),
                    state=row.state,
                    agentflow_id=strawberry.ID(row.agentflow_id),
                    agentflow_name=name,
                    session_id=strawberry.ID(row.session_id) if row.session_id else None,
                    created_on=datetime.fromtimestamp(row.created_on / 1000, UTC),
                ),
            )
            for row, name in found[:first]
        ]
        end = edges[-1].cursor if edges else None
        return Connection(
            edges=edges, page_info=PageInfo(has_next_page=len(found) > first, end_cursor=end)
        )


app = GraphQL(strawberry.Schema(Query))
