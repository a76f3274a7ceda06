"""A conversation over ASGI's messages, for servers that offer no ``Upgrade``.

Such a server has pings and limits of its own, and closes its connections itself when it stops.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from starlette.types import Message, Receive, Send

from server.graphql.subscriptions.sink import EventMessage
from server.graphql.websocket.wire import Conversation

_MOST_UNSENT = 65_536


async def converse(conversation: Conversation, receive: Receive, send: Send) -> None:
    """Hold a conversation on an accepted WebSocket until the connection is closed."""
    wire = _AsgiWire(conversation)
    conversation.begin(wire)
    sending = asyncio.create_task(wire.send_all(send))
    try:
        await wire.receive_all(receive)
    finally:
        wire.end()
        try:
            await wire.wait_for_tasks()
        finally:
            sending.cancel()


class _AsgiWire:
    """Queues messages, and sends one after the other."""

    def __init__(self, conversation: Conversation) -> None:
        self.is_over = False
        self._conversation = conversation
        self._unsent: deque[Message] = deque()
        self._unsent_bytes = 0
        self._has_unsent = asyncio.Event()
        self._may_read = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_writable(self) -> bool:
        return self._unsent_bytes <= _MOST_UNSENT

    def admit(self, send_timeout: float) -> None:
        """Leave limits and timeouts to the server."""

    def limit_unread(self) -> None:
        """Leave that to the server."""

    def write(self, text: bytes) -> bool:
        if self.is_over:
            return False
        self._unsent_bytes += len(text)
        self._put({"type": "websocket.send", "text": text.decode()})
        return self.is_writable

    def write_events(self, prefix: bytes, messages: Sequence[EventMessage]) -> bool:
        for message in messages:
            self.write(b"%b%b}" % (prefix, message.payload))
        return self.is_writable and not self.is_over

    def read_on(self) -> None:
        self._may_read.set()

    def close(self, code: int, reason: str) -> None:
        if not self.is_over:
            self._put({"type": "websocket.close", "code": code, "reason": reason})
            self.end()

    def track(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Release everything, once."""
        if not self.is_over:
            self.is_over = True
            self._conversation.end()
            # Whoever waits for room must see that there is nothing to read any more.
            self._may_read.set()

    async def receive_all(self, receive: Receive) -> None:
        """Pass messages on until the connection is closed."""
        while (event := await receive())["type"] == "websocket.receive":
            while not self.is_over and (self._conversation.is_busy or not self.is_writable):
                self._may_read.clear()
                await self._may_read.wait()
            if not self.is_over:
                text = event.get("text")
                self._conversation.take(event["bytes"] if text is None else text)

    async def send_all(self, send: Send) -> None:
        """Send what is written until the connection is closed."""
        with contextlib.suppress(OSError):
            while True:
                while self._unsent:
                    message = self._unsent.popleft()
                    await send(message)
                    self._note_sent(message)
                self._has_unsent.clear()
                await self._has_unsent.wait()
        self.end()

    async def wait_for_tasks(self) -> None:
        """Wait for changes that have begun."""
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError:
                for task in self._tasks:
                    task.cancel()
                raise

    def _put(self, message: Message) -> None:
        self._unsent.append(message)
        self._has_unsent.set()

    def _note_sent(self, message: Message) -> None:
        was_writable = self.is_writable
        self._unsent_bytes -= len(message.get("text", "").encode())
        if self.is_writable and not was_writable and not self.is_over:
            self._conversation.resume_writing()
            self.read_on()
