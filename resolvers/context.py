"""What every resolver is handed."""

from dataclasses import dataclass

import strawberry

from db.executions import Executions


@dataclass(frozen=True, slots=True)
class Reading:
    """What plans read and change, and the bounds that an operator has set."""

    executions: Executions
    max_page_size: int
    max_ids: int


@dataclass(slots=True)
class Context:
    """The executions to work on, and the bounds that an operator has set."""

    executions: Executions
    max_page_size: int
    max_ids: int


Info = strawberry.Info[Context, None]
