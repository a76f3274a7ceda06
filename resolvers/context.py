"""What root fields need to read and change executions."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from db.agentflows import Agentflows
from db.contents.room import ContentRoom
from db.events.log import EventLog
from db.executions import Executions
from db.keys import Scope
from db.reading.statistics import BucketBudget
from db.reading.time_buckets import TimeBucket
from db.sessions import Sessions

if TYPE_CHECKING:
    from resolvers.events import SeenEvent

_T = TypeVar("_T")

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

AT_ONCE = 4
"""How many reads of one operation run at the same time."""


class Viewer(NamedTuple):
    """Who is asking: the name of their key, if they need one, and what they may do.

    If there is a ``workspace``, there is nothing outside of it for them.
    """

    name: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    workspace: str | None = None


ANYONE = Viewer()
"""Whoever asks a gateway that needs no key."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is read and changed, and the operator's limits."""

    executions: Executions
    agentflows: Agentflows
    sessions: Sessions
    events: EventLog
    max_page_size: int
    max_ids: int
    in_thread: InThread = asyncio.to_thread
    """Calls a function in a thread, to keep the event loop free."""
    snapshot: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Lets everything that is read within its block be of one moment."""
    max_matching_seconds: float = 10.0
    """For how long a change of all matching executions may run."""
    max_data_bytes: int = 10 * 2**20
    """How many bytes of contents a response may have."""
    viewer: Viewer = ANYONE
    """Who is asking."""

    @property
    def workspace(self) -> str | None:
        """The workspace in which everything is read and changed; None if that is everywhere."""
        return self.executions.workspace

    def seen_by(self, viewer: Viewer) -> "Context":
        """Return the context for a viewer: there is nothing outside of their workspace."""
        if viewer == ANYONE:
            return self
        if viewer.workspace is None:
            return replace(self, viewer=viewer)
        return replace(
            self,
            executions=self.executions.within(viewer.workspace),
            agentflows=self.agentflows.within(viewer.workspace),
            sessions=self.sessions.within(viewer.workspace),
            viewer=viewer,
        )


class Run:
    """A run of an operation: its context and its coerced variables.

    A run of a subscription answers ``events``, each by an object.
    """

    __slots__ = ("_budget", "_room", "_turns", "context", "events", "variables")

    def __init__(
        self,
        context: Context,
        variables: Mapping[str, Any],
        events: "Sequence[SeenEvent]" = (),
    ) -> None:
        self.context = context
        self.variables = variables
        self.events = events
        self._turns: asyncio.Semaphore | None = None
        self._budget: BucketBudget | None = None
        self._room: ContentRoom | None = None

    def take_buckets(self, bucket: TimeBucket, count: int) -> None:
        """Count the buckets of timelines of a width.

        Raises InvalidInput if the timelines of the operation have too many together.
        """
        if self._budget is None:
            self._budget = BucketBudget()
        self._budget.take(bucket, count)

    @property
    def room(self) -> ContentRoom:
        """What the response has room for of contents."""
        if self._room is None:
            self._room = ContentRoom(self.context.max_data_bytes)
        return self._room

    async def in_turn(self, read: Callable[[], Awaitable[_T]]) -> _T:
        """Run a read of a nested field once fewer than ``AT_ONCE`` others are running."""
        if self._turns is None:
            self._turns = asyncio.Semaphore(AT_ONCE)
        async with self._turns:
            return await read()


_copies: ContextVar[int] = ContextVar("copies", default=1)


@contextmanager
def repeated(count: int) -> Iterator[None]:
    """Say that the response will have up to ``count`` copies of what this task reads in the block.

    That multiplies with what is said around the block.
    """
    if count == 1:
        yield
        return
    token = _copies.set(_copies.get() * count)
    try:
        yield
    finally:
        _copies.reset(token)


def copies() -> int:
    """Return how many copies the response will have, at most, of what this task reads."""
    return _copies.get()


_is_over: ContextVar[Callable[[], bool]] = ContextVar("is_over", default=lambda: False)


def watch_end(is_over: Callable[[], bool]) -> None:
    """Set how this task, and those that it starts, find out that nobody waits for their answer."""
    _is_over.set(is_over)


def is_over() -> bool:
    """Whether the client has gone or the server is stopping, so that a long change should end."""
    return _is_over.get()()
