"""Clients that change executions over their own connections, as fast as they are answered."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.faults.writes import UPDATE

STATES = ("STOPPED", "ERROR", "TIMEOUT")


@dataclass
class Load:
    """What came of it. Times are in seconds."""

    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    """The state that was acknowledged last, by guid."""


def share(times: list[float], part: float) -> float:
    """The time that a part of all is not above."""
    return sorted(times)[int(part * (len(times) - 1))]


async def load(url: str, clients: int, each: int, seconds: float) -> Load:
    """Let clients change executions, ``each`` of them their own, one after the other.

    Whoever is refused waits for up to half a second.
    """
    made = Load()
    until = time.monotonic() + seconds
    address = urlsplit(url)

    async def one(client: int) -> None:
        chance = random.Random(client)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        turn = 0
        while time.monotonic() < until:
            guid = f"g-{client * each + turn % each}"
            state = STATES[turn // each % len(STATES)]
            began = time.monotonic()
            writer.write(_request(guid, state))
            status, body = await _answer(reader)
            took = time.monotonic() - began
            if status == 503:
                made.refused.append(took)
                await asyncio.sleep(chance.random() / 2)
                continue
            assert status == 200, (status, body)
            assert b"UpdateExecutionSuccess" in body, body
            made.served.append(took)
            made.states[guid] = state
            turn += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*map(one, range(clients)))
    return made


def _request(guid: str, state: str) -> bytes:
    body = json.dumps({"query": UPDATE, "variables": {"guid": guid, "state": state}}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    assert status != 503 or b"retry-after: " in head
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return status, await reader.readexactly(length)
