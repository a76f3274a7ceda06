"""The frames of a WebSocket (RFC 6455, section 5): read those of a client, write a server's."""

import struct
from collections.abc import Generator, Sequence
from typing import NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close, Frame, Opcode

from server.graphql.subscriptions.sink import EventMessage
from server.graphql.websocket.close_codes import CloseCode

MOST_FRAGMENTS = 1024
_LARGEST_SHORT = 125
_LARGEST_MEDIUM = 65_535


class InvalidFrame(Exception):
    """The client's input can't be read on; ``code`` is the status for closing."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Arrived(NamedTuple):
    """A frame that has arrived.

    The last frame of a message has the message as its ``data``, a text or bytes; other fragments
    have the opcode CONT.
    """

    opcode: Opcode
    data: bytes | str


class FrameReader:
    """Reads frames and joins fragments; a message has at most ``max_size`` bytes."""

    __slots__ = ("_buffer", "_is_text", "_max_size", "_parser", "_parts", "_size")

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._buffer = bytearray()
        self._parser: Generator[None, None, Frame] | None = None
        self._parts: list[bytes] | None = None
        self._size = 0
        self._is_text = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a frame or a message has arrived."""
        return not self._buffer and self._parser is None and self._parts is None

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._buffer += data

    def read(self) -> Arrived | None:
        """Return the next frame, or None if it has not arrived yet. Raises InvalidFrame."""
        if self._parser is None:
            if not self._buffer:
                return None
            self._parser = Frame.parse(
                self._read_exact, mask=True, max_size=self._max_size - self._size
            )
        try:
            next(self._parser)
        except StopIteration as parsed:
            self._parser = None
            return self._take(parsed.value)
        except ProtocolError as error:
            raise InvalidFrame(CloseCode.PROTOCOL_ERROR, str(error)) from None
        except PayloadTooBig:
            message = f"A message must have at most {self._max_size} bytes"
            raise InvalidFrame(CloseCode.MESSAGE_TOO_BIG, message) from None
        return None

    def _read_exact(self, size: int) -> Generator[None, None, bytearray]:
        buffer = self._buffer
        while len(buffer) < size:
            yield
        data = buffer[:size]
        del buffer[:size]
        return data

    def _take(self, frame: Frame) -> Arrived:
        opcode, data = frame.opcode, bytes(frame.data)
        if opcode is Opcode.CLOSE:
            _check_close(data)
        if opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return Arrived(opcode, data)
        if (opcode is Opcode.CONT) is (self._parts is None):
            message = "unexpected" if self._parts is None else "expected a"
            raise InvalidFrame(CloseCode.PROTOCOL_ERROR, f"{message} continuation frame")
        if opcode is not Opcode.CONT:
            self._is_text = opcode is Opcode.TEXT
        if not frame.fin or self._parts is not None:
            data = self._join(data, is_last=frame.fin)
            if not frame.fin:
                return Arrived(Opcode.CONT, b"")
        if not self._is_text:
            return Arrived(Opcode.BINARY, data)
        try:
            return Arrived(Opcode.TEXT, data.decode())
        except UnicodeDecodeError:
            message = "A text message must be UTF-8"
            raise InvalidFrame(CloseCode.INVALID_DATA, message) from None

    def _join(self, data: bytes, *, is_last: bool) -> bytes:
        """Add a fragment; return the message if it is the last one, or nothing."""
        if self._parts is None:
            self._parts = []
        if len(self._parts) >= MOST_FRAGMENTS:
            message = f"A message must have at most {MOST_FRAGMENTS} fragments"
            raise InvalidFrame(CloseCode.POLICY_VIOLATION, message)
        self._parts.append(data)
        self._size += len(data)
        if not is_last:
            return b""
        joined = b"".join(self._parts)
        self._parts, self._size = None, 0
        return joined


def _check_close(data: bytes) -> None:
    try:
        Close.parse(data)
    except ProtocolError as error:
        raise InvalidFrame(CloseCode.PROTOCOL_ERROR, str(error)) from None
    except UnicodeDecodeError:
        message = "The reason for closing must be UTF-8"
        raise InvalidFrame(CloseCode.INVALID_DATA, message) from None


def frame(opcode: Opcode, data: bytes) -> bytes:
    """Return a frame of a server."""
    return _header(0x80 | opcode, len(data)) + data


def close_frame(code: int, reason: str) -> bytes:
    """Return the frame that closes a connection; the reason must fit into it."""
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason.encode())


def _header(first: int, size: int) -> bytes:
    if size <= _LARGEST_SHORT:
        return bytes((first, size))
    if size <= _LARGEST_MEDIUM:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


class EventFrames:
    """Frames events for many subscribers.

    What differs between two subscribers of the same events is the id in each message. The rest is
    joined once for all whose ids have the same length, so that each subscriber costs one call.
    """

    _MOST_LENGTHS = 8

    def __init__(self) -> None:
        self._messages: Sequence[EventMessage] = ()
        self._by_length: dict[int, list[bytes]] = {}

    def framed(self, prefix: bytes, messages: Sequence[EventMessage]) -> bytes:
        """Return a frame for each event: ``prefix``, the payload and a brace.

        What is joined is kept until the next events; only those of a tuple, which can't change.
        """
        if messages is not self._messages:
            if not isinstance(messages, tuple):
                return prefix.join(_between(messages, len(prefix)))
            self._messages, self._by_length = messages, {}
        parts = self._by_length.get(len(prefix))
        if parts is None:
            parts = _between(messages, len(prefix))
            if len(self._by_length) < self._MOST_LENGTHS:
                self._by_length[len(prefix)] = parts
        return prefix.join(parts)


def _between(messages: Sequence[EventMessage], length: int) -> list[bytes]:
    """Return what stands before, between and after the prefixes of frames."""
    parts, before = [], b""
    for message in messages:
        payload = message.payload
        parts.append(before + _header(0x80 | Opcode.TEXT, length + len(payload) + 1))
        before = payload + b"}"
    parts.append(before)
    return parts
