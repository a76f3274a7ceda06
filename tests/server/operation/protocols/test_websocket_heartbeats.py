"""Pings, and the clients that give no sign of life."""

import pytest

from tests.raw_websocket import PING, frame
from tests.server.operation.protocols.opened_websocket import open_websocket

_EMPTY_PING = b"\x89\x00"


@pytest.mark.anyio
async def test_a_client_that_answers_no_ping_is_closed_and_may_come_back() -> None:
    opened, transport = await open_websocket(ws_ping_timeout=1e-9)
    opened.beat()
    assert transport.written == _EMPTY_PING
    opened.beat()
    assert transport.written.endswith(b"\x03\xf5keepalive ping timeout")
    assert opened.is_over


@pytest.mark.anyio
@pytest.mark.parametrize("sign", [frame(10), frame(PING), b"\x81"], ids=["pong", "ping", "part"])
async def test_whatever_a_client_sends_is_a_sign_of_life(sign: bytes) -> None:
    opened, transport = await open_websocket(ws_ping_timeout=1e-9)
    for _ in range(3):
        opened.beat()
        opened.data_received(sign)
    assert not opened.is_over
    assert transport.written.count(_EMPTY_PING) == 3
    opened.connection_lost(None)


@pytest.mark.anyio
async def test_a_client_that_does_not_read_is_sent_no_pings() -> None:
    opened, transport = await open_websocket()
    opened.pause_writing()
    opened.beat()
    assert transport.written == b""
    opened.resume_writing()
    opened.beat()
    assert transport.written == _EMPTY_PING
    opened.connection_lost(None)


@pytest.mark.anyio
async def test_a_client_that_was_sent_no_ping_while_it_did_not_read_is_not_closed() -> None:
    opened, transport = await open_websocket(ws_ping_timeout=1e-9)
    opened.pause_writing()
    opened.beat()
    opened.resume_writing()
    opened.beat()
    assert transport.written == _EMPTY_PING
    opened.connection_lost(None)


@pytest.mark.anyio
async def test_a_client_whose_pong_was_not_read_while_it_did_not_read_is_pinged_again() -> None:
    opened, transport = await open_websocket(ws_ping_timeout=1e-9)
    opened.beat()
    opened.pause_writing()
    opened.resume_writing()
    opened.beat()
    assert transport.written == _EMPTY_PING * 2
    opened.connection_lost(None)


@pytest.mark.anyio
async def test_a_client_that_reads_nothing_is_dropped_without_a_ping() -> None:
    opened, transport = await open_websocket(ws_ping_timeout=1e-9)
    transport.unsent = 100_000
    opened.pause_writing()
    opened.beat()
    opened.beat()
    assert transport.written == b""
    assert transport.closed
    opened.connection_lost(None)
