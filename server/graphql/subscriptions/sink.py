"""Where a subscription's events go: the part of a transport that it writes to."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EventMessage:
    """An event as it is sent: ``payload`` is the response as JSON, without its transport's frame.

    ``payload`` is the same object for all subscriptions that select the same.
    """

    payload: bytes
    cursor: str


SHUTTING_DOWN = "The gateway is shutting down; connect again"
"""What clients are told when the gateway stops."""


class EndCode(enum.StrEnum):
    """Why a subscription ended although its client wanted more."""

    FELL_BEHIND = "FELL_BEHIND"
    EVENTS_EXPIRED = "EVENTS_EXPIRED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a subscription ended, for its client; ``cursor`` is from where it can resume."""

    code: EndCode
    message: str
    cursor: str | None = None


class Sink(Protocol):
    """What a subscription writes to. It is called on the event loop, and never after the end."""

    def write(self, messages: Sequence[EventMessage]) -> bool:
        """Write events without waiting.

        Returns whether the client takes more now; if not, the transport calls ``resume`` of the
        subscription once the client has read enough.
        """

    def end(self, ending: Ending) -> None:
        """Tell the client that there will be no more events, and why."""


class Subscription(Protocol):
    """A running subscription, as its transport sees it."""

    @property
    def cursor(self) -> str:
        """The position from which nothing is missed of what has not been written yet."""

    def resume(self) -> None:
        """Go on writing: the client has read enough of what was written."""

    def close(self) -> None:
        """End the subscription without a word: nobody waits for it any more. Idempotent."""
