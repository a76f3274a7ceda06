"""A WebSocket client that does what no library does: whole bytes, and only when it is told to."""

import json
import socket
import struct
from typing import Any, Self
from urllib.parse import urlsplit

CONTINUATION, TEXT, CLOSE, PING = 0, 1, 8, 9
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
INIT = b'{"type":"connection_init"}'


def handshake(*lines: bytes, method: bytes = b"GET", target: bytes = b"/graphql") -> bytes:
    """A request that offers a WebSocket, with other lines in its head; an empty one is left out."""
    given = {line.partition(b":")[0] for line in lines}
    usual = (
        b"Host: 127.0.0.1",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + KEY,
        b"Sec-WebSocket-Protocol: graphql-transport-ws",
    )
    kept = [line for line in usual if line.partition(b":")[0] not in given]
    head = [
        b"%b %b HTTP/1.1" % (method, target),
        *kept,
        *(line for line in lines if line[-1:] != b":"),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n"


def frame(opcode: int, data: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame of a client, masked with zeros."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        length = bytes([0x80 | 127]) + struct.pack("!Q", size)
    return bytes([(0x80 if fin else 0) | opcode]) + length + bytes(4) + data


def message(kind: str, **members: Any) -> bytes:
    """A message of the protocol, in a frame."""
    return frame(TEXT, json.dumps({"type": kind, **members}).encode())


class RawSocket:
    """One connection to a gateway."""

    def __init__(self, url: str, *, buffer: int | None = None) -> None:
        address = urlsplit(url)
        self.socket = socket.socket()
        self.socket.settimeout(30)
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        try:
            self.socket.connect((address.hostname, address.port))
        except OSError:
            self.socket.close()
            raise
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def open(self) -> Self:
        """Shake hands."""
        self.send(handshake())
        assert self.read_head().startswith(b"HTTP/1.1 101 ")
        return self

    def acknowledged(self) -> Self:
        """Shake hands, and be acknowledged."""
        self.open().send(frame(TEXT, INIT))
        assert self.read_frame() == (TEXT, b'{"type":"connection_ack"}')
        return self

    def read_head(self) -> bytes:
        """The head of an HTTP answer."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame, without fragments."""
        opcode, size = self._take(2)
        if size == 126:
            [size] = struct.unpack("!H", self._take(2))
        elif size == 127:
            [size] = struct.unpack("!Q", self._take(8))
        return opcode & 0x0F, self._take(size)

    def read_close(self) -> tuple[int, str]:
        """The status and the reason with which the gateway closes, whatever comes before."""
        while (read := self.read_frame())[0] != CLOSE:
            pass
        return struct.unpack("!H", read[1][:2])[0], read[1][2:].decode()

    def read_to_end(self) -> bytes:
        """All that comes until the gateway closes the connection."""
        received, self._received = self._received, b""
        while data := self.socket.recv(65_536):
            received += data
        return received

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        assert data, "the gateway closed the connection"
        self._received += data
