"""Flowise's tables, as they are found in a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from db.errors import GatewayError


class NotFlowise(GatewayError):
    """The database has no tables of Flowise, or other ones than Flowise makes."""

    code = "BAD_USER_INPUT"


@dataclass(frozen=True, slots=True)
class FlowiseTables:
    """Flowise's tables: for each column that a mapping can use, the type as the database says it.

    ``chat_message`` is empty if it does not know executions. Older versions of Flowise have no
    column ``workspaceId``. ``version`` is the name of the newest migration of Flowise, if it is
    known.
    """

    execution: Mapping[str, str]
    chat_flow: Mapping[str, str]
    chat_message: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None

    @property
    def has_workspaces(self) -> bool:
        """Whether executions belong to workspaces."""
        return "workspaceId" in self.execution
