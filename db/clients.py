"""For whom the database is asked.

A replica lags behind. Only who has not written just now can't tell, so a read has to know whose
it is.
"""

from contextvars import ContextVar
from typing import NamedTuple


class Client(NamedTuple):
    """Who asks: a name, the same in every process, and whether it may write at all."""

    name: str
    may_write: bool


_asking: ContextVar[Client | None] = ContextVar("client", default=None)


def ask_as(client: Client) -> None:
    """Ask for this client from now on, in this task and in those that it starts."""
    _asking.set(client)


def asking() -> Client | None:
    """For whom this task asks; None where nobody was named."""
    return _asking.get()
