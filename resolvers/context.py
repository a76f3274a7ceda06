"""What root fields need to read and change executions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from db.executions import Executions

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """The executions, and the operator's limits."""

    executions: Executions
    max_page_size: int
    max_ids: int
    in_thread: InThread = asyncio.to_thread
    """Calls a function in a thread, to keep the event loop free."""


class Run(NamedTuple):
    """A run of an operation: its context and its coerced variables."""

    context: Context
    variables: Mapping[str, Any]
