"""What the connection of a WebSocket and the application that answers it tell each other."""

import asyncio
from dataclasses import dataclass, field

LIFELINE = "lifeline"
"""Where an application finds the ``Lifeline``, in the state of its scope."""


@dataclass(slots=True)
class Lifeline:
    """What a connection and the application that answers it tell each other."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Is set when the server stops, upon which the application is to close the connection."""
    is_admitted: bool = False
    """Whether the application knows the client. Until then, 64 KiB are taken from it in all."""
    send_timeout: float = 30.0
    """How long a client may read nothing of what is sent, in seconds."""
