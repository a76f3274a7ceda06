"""What root fields need to read and change executions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from db.executions import Executions


@dataclass(frozen=True, slots=True)
class Context:
    """The executions, and the operator's limits."""

    executions: Executions
    max_page_size: int
    max_ids: int


class Run(NamedTuple):
    """A run of an operation: its context and its coerced variables."""

    context: Context
    variables: Mapping[str, Any]
