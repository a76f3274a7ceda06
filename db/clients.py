"""The client on whose behalf the database is read or written.

A replica lags behind, and a client must not notice that its own write is missing, so every read
needs to know its client.
"""

from contextvars import ContextVar
from typing import NamedTuple


class Client(NamedTuple):
    """A client's name, the same in every process, and whether it may write."""

    name: str
    may_write: bool


_current: ContextVar[Client | None] = ContextVar("client", default=None)


def set_current_client(client: Client) -> None:
    """Set the client of this task and of the tasks that it starts."""
    _current.set(client)


def current_client() -> Client | None:
    """Return the client of this task, or None if none is set."""
    return _current.get()
