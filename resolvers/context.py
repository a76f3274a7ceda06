"""What root fields work on, for one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from db.executions import Executions


@dataclass(frozen=True, slots=True)
class Context:
    """The executions to read and change, and the bounds that an operator has set."""

    executions: Executions
    max_page_size: int
    max_ids: int


class Run(NamedTuple):
    """One run of an operation: its context, and its variables as they were coerced."""

    context: Context
    variables: Mapping[str, Any]
