"""Responses that stay open, and are written to whenever there is something to say.

ASGI needs a task for each of them, and a message for each write. A server, and every layer between
it and an endpoint, offers more by an object whose method ``send`` is ASGI's, and which also has
``open_stream``.
"""

from collections.abc import Callable
from typing import Protocol

from starlette.types import Send


class OpenStream(Protocol):
    """A response that is open."""

    def write(self, data: bytes) -> bool:
        """Write without waiting; return whether the client takes more now.

        Writing the same object to many streams costs least. After the end it does nothing.
        """

    def end(self, data: bytes = b"") -> None:
        """End the response, with some last data, and close the connection once all is sent."""


class StreamListener(Protocol):
    """What is told about a response that is open. Nothing is called after its end."""

    def on_writable(self) -> None:
        """Handle that the client has read what was written, after ``write`` returned False."""

    def on_stopping(self) -> None:
        """End the response: the server is stopping and does not wait for it."""

    def on_gone(self) -> None:
        """Handle that the client has gone, and the response has ended with it."""


def open_stream(send: Send, headers: bytes, listener: StreamListener) -> OpenStream | None:
    """Begin a response with status 200 and ``encoded`` headers.

    Returns None if the client has gone already. Raises NotImplementedError if the server, or a
    layer before the endpoint, has no ``open_stream``.
    """
    opener: Callable[[bytes, StreamListener], OpenStream | None] | None = getattr(
        getattr(send, "__self__", None), "open_stream", None
    )
    if opener is None:
        raise NotImplementedError("The server has no responses that stay open")
    return opener(headers, listener)
