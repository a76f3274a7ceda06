"""What every resolver is handed."""

from dataclasses import dataclass

import strawberry

from db.executions import Executions


@dataclass(slots=True)
class Context:
    """The executions to work on, and the bounds that an operator has set."""

    executions: Executions
    max_page_size: int
    connection_params: dict[str, object] | None = None
    """What a WebSocket client sent when it connected."""


Info = strawberry.Info[Context, None]
