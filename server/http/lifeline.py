"""State that a WebSocket's connection shares with the application that answers it."""

import asyncio
from dataclasses import dataclass, field

LIFELINE = "lifeline"
"""The key of the ``Lifeline`` in the state of a scope."""


@dataclass(slots=True)
class Lifeline:
    """State that a WebSocket's connection shares with the application that answers it."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server stops; the application must then close the connection."""
    is_admitted: bool = False
    """Whether the client is authenticated. Until then, at most 64 KiB in all are read from it."""
    send_timeout: float = 30.0
    """How long a client may read nothing of what it is sent, in seconds."""
