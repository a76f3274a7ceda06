"""What every resolver is handed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import strawberry

from db.executions import Executions
from db.keys import Scope


class Access(Protocol):
    """What the bearer of a key may do."""

    def require(self, *needed: Scope) -> None:
        """Raise an error of the caller unless every needed scope is there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What plans read and change, and the bounds that an operator has set."""

    executions: Executions
    max_page_size: int
    max_ids: int


@dataclass(slots=True)
class Context:
    """The executions to work on, the bounds that an operator has set, and who asks.

    ``admit`` says what the one who asks may do now; over a WebSocket that can change from one
    operation to the next.
    """

    executions: Executions
    max_page_size: int
    max_ids: int
    admit: Callable[[], Awaitable[Access]]


Info = strawberry.Info[Context, None]
