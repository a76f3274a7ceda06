"""Send and read raw bytes, which well-behaved clients would never send."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.sample import SAMPLE

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@contextlib.contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    """A connection to a gateway."""
    parts = urlsplit(gateway.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as client:
        yield client


def read_to_end(client: socket.socket) -> bytes:
    """Everything that a gateway sends until it ends the connection."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def exchanged(gateway: Gateway, *packets: bytes) -> bytes:
    """What a gateway answers to packets, until it ends the connection, which they must ask for."""
    with connected(gateway) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for packet in packets[:-1]:
            client.sendall(packet)
            time.sleep(0.03)  # so that it comes by itself; the answer is the same if it does not
        client.sendall(packets[-1])
        return read_to_end(client)


def post(body: bytes, *lines: bytes) -> bytes:
    """A POST to /graphql, with other lines in its head."""
    head = [
        b"POST /graphql HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: application/json",
        *lines,
    ]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def statuses(answers: bytes) -> list[int]:
    """The statuses of the answers on one connection, interim ones left out."""
    found = [int(status) for status in _STATUS.findall(answers)]
    return [status for status in found if status >= 200]


@contextlib.contextmanager
def places_taken(gateway: Gateway, count: int) -> Iterator[None]:
    """Fill the concurrency limit with changes that wait, given a long busy_timeout."""
    with ThreadPoolExecutor(count) as threads, gateway.place.held():
        url = f"{gateway.url}/executions/{SAMPLE[1].guid}"
        for _ in range(count):
            threads.submit(httpx.put, url, json={"state": SAMPLE[1].state}, timeout=60)
        wait_until(lambda: taken_places(gateway, "max_concurrent_requests") == count)
        yield


def taken_places(gateway: Gateway, setting: str) -> int:
    """Return how many slots of a limit are in use."""
    metrics = gateway.http.get("/metrics").text
    return int(float(re.findall(rf'gateway_places_taken{{limit="{setting}"}} (\S+)', metrics)[0]))
