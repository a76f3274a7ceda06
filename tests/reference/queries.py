"""What is read: a class for each type of the schema, with a method or attribute for each field.

A field with arguments is a method that takes them in a dictionary, coerced by graphql-core.
``checks`` tells what is wrong with them.
"""

from dataclasses import dataclass

from tests.reference.objects import (
    Agentflow,
    AgentflowConnection,
    Execution,
    ExecutionConnection,
    Session,
    find_node,
    found,
    stats_of,
)
from tests.reference.statistics import ExecutionStats, Given
from tests.reference.table import Table


@dataclass
class ExecutionPage:
    table: Table
    given: Given

    @property
    def _first(self) -> int:
        return int((self.given["page"] - 1) * self.given["limit"])

    def items(self) -> list[Execution]:
        rows = found(self.table, self.given)[self._first : self._first + self.limit()]
        return [Execution(self.table, row) for row in rows]

    def page(self) -> int:
        return int(self.given["page"])

    def limit(self) -> int:
        return int(self.given["limit"])

    def total_count(self) -> int:
        return len(found(self.table, self.given))

    def total_pages(self) -> int:
        pages, rest = divmod(self.total_count(), self.limit())
        return pages + (rest > 0)


class Viewer:
    """Whoever asks a gateway that needs no key."""

    name = workspace_id = None
    scopes = ("READ", "UPDATE", "DELETE")


@dataclass
class Query:
    table: Table

    def execution(self, given: Given) -> Execution | None:
        row = self.table.find(given["guid"])
        return None if row is None else Execution(self.table, row)

    def executions(self, given: Given) -> ExecutionConnection:
        return ExecutionConnection(self.table, given)

    def execution_page(self, given: Given) -> ExecutionPage:
        return ExecutionPage(self.table, given)

    def agentflow(self, given: Given) -> Agentflow | None:
        return Agentflow.find(self.table, given["agentflowId"])

    def agentflows(self, given: Given) -> AgentflowConnection:
        return AgentflowConnection(self.table, given)

    def session(self, given: Given) -> Session | None:
        return Session.find(self.table, given["sessionId"])

    def execution_stats(self, given: Given) -> ExecutionStats:
        return stats_of(self.table, given)

    def node(self, given: Given) -> Execution | Agentflow | Session | None:
        return find_node(self.table, given["id"])

    def nodes(self, given: Given) -> list[Execution | Agentflow | Session | None]:
        return [find_node(self.table, written) for written in given["ids"]]

    def viewer(self) -> Viewer:
        return Viewer()
