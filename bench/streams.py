"""Subscriptions from a client's side, at so little cost that the server is what is measured."""

import json
import os
import resource
import socket
import struct
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

WEBSOCKET, EVENTS = "websocket", "sse"
TRANSPORTS = (WEBSOCKET, EVENTS)
_READ = 1 << 16
_PONG, _CLOSE = 0x8A, 0x88
_SILENT = 5.0


def raise_limit_of_files() -> None:
    """Let this process, and those that it starts, open as many files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Stream:
    """One subscription over a connection of its own.

    ``data`` is what came since it was last taken, in whatever frames the transport has: events are
    to be found in it as they are written.
    """

    def __init__(self, url: str, key: str, transport: str, query: str, **variables: Any) -> None:
        self.transport = transport
        self.is_open = True
        self.data = b""
        self._asked = {"query": query, "variables": variables}
        self._key = f"Bearer {key}"
        self._last_sent = time.monotonic()
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        if transport == WEBSOCKET:
            self._open_websocket()
        else:
            self._open_events()
        self.socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        """Return what has come, without waiting; sends signs of life."""
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.is_open = False
        elif self.transport == WEBSOCKET:
            self._answer(data)
        return data

    def close(self) -> None:
        """Vanish."""
        self.is_open = False
        self.socket.close()

    def _answer(self, data: bytes) -> None:
        # Whatever a client sends is a sign of life, so pings need not be found among the events.
        now = time.monotonic()
        if now - self._last_sent > _SILENT:
            self._last_sent = now
            self._send(_frame(_PONG, b""))
        if data[0] == _CLOSE:
            self.is_open = False

    def _send(self, data: bytes) -> None:
        try:
            self.socket.send(data)
        except OSError:
            self.is_open = False

    def _open_websocket(self) -> None:
        self.socket.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        self._expect(b"\r\n\r\n", b" 101 ")
        init = {"type": "connection_init", "payload": {"Authorization": self._key}}
        self.socket.sendall(_frame(0x81, json.dumps(init).encode()))
        self._expect(b'"connection_ack"}')
        asked = {"id": "1", "type": "subscribe", "payload": self._asked}
        self.socket.sendall(_frame(0x81, json.dumps(asked).encode()))

    def _open_events(self) -> None:
        body = json.dumps(self._asked).encode()
        head = (
            "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
            f"Content-Type: application/json\r\nAuthorization: {self._key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        self._expect(b"\r\n\r\n", b" 200 ")

    def _expect(self, end: bytes, part: bytes = b"") -> None:
        while end not in self.data:
            received = self.socket.recv(_READ)
            if not received:
                raise ConnectionError(f"closed after {self.data!r}")
            self.data += received
        before, _, self.data = self.data.partition(end)
        if part not in before + end:
            raise ConnectionError(f"{before!r} {self.data!r}")


def _frame(head: int, data: bytes) -> bytes:
    """Return a frame of a client, masked with zeros."""
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size)
    return bytes([head]) + length + bytes(4) + data


def resident(process: int) -> float:
    """Return the resident memory of a process, in KB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def processor_time(process: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
