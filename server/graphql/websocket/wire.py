"""An open WebSocket without ASGI's messages: what a server and an application call of each other.

In ASGI an application has a task for each connection, which waits for the next message in a dozen
nested coroutines: most of what an idle connection costs. Here an open connection is two objects
that call each other. A server offers this by an ``Upgrade`` in the state of the scope; without one,
``over_asgi`` translates.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from server.graphql.subscriptions.sink import EventMessage

UPGRADE = "gateway.upgrade"
"""The key of the ``Upgrade`` in the state of a scope."""


class Wire(Protocol):
    """An open WebSocket, as its application sees it. It is used on the event loop alone."""

    @property
    def is_writable(self) -> bool:
        """Whether the client has read enough for more to be written."""

    @property
    def is_over(self) -> bool:
        """Whether the connection is closed or closing; nothing can be written."""

    def admit(self, send_timeout: float) -> None:
        """Note that the client is authenticated; until then, at most 64 KiB are read from it.

        The connection is closed if the client reads nothing for ``send_timeout`` seconds.
        """

    def limit_unread(self) -> None:
        """Let the system hold little that the client has not read, because much will be written."""

    def write(self, text: bytes) -> bool:
        """Write a message without waiting; return ``is_writable``."""

    def write_events(self, prefix: bytes, messages: Sequence[EventMessage]) -> bool:
        """Write a message for each event, all at once; return ``is_writable``.

        A message is ``prefix``, the payload and a brace.
        """

    def read_on(self) -> None:
        """Go on reading: the application is no longer busy."""

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was written. Idempotent."""

    def track(self, task: asyncio.Task[Any]) -> None:
        """Let the server's shutdown wait for a task."""


class Conversation(Protocol):
    """The application's side of an open WebSocket; none of its methods may wait."""

    @property
    def is_busy(self) -> bool:
        """Whether no more messages should be read for now; ``read_on`` ends that."""

    def begin(self, wire: Wire) -> None:
        """Begin: the connection is open."""

    def take(self, message: str | bytes) -> None:
        """Handle a message of the client, a text or bytes."""

    def resume_writing(self) -> None:
        """Go on writing: the wire is writable again."""

    def beat(self) -> None:
        """Send a sign of life, if the protocol has one."""

    def stop(self) -> None:
        """Close the connection soon: the server is stopping."""

    def end(self) -> None:
        """Release everything: the connection is closed or closing. It is called once."""


Upgrade = Callable[[Conversation], None]
"""Begins a conversation on an accepted WebSocket; the application then returns."""
