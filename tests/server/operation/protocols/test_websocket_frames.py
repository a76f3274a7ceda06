"""Frames: events for many subscribers, which are joined once, and what clients send in pieces."""

import json
import struct
from collections.abc import Iterator, Sequence

import pytest
from websockets.frames import Opcode

from server.graphql.subscriptions.sink import EventMessage
from server.graphql.websocket.messages import next_prefix
from server.operation.protocols.websocket_frames import EventFrames, FrameReader
from tests.raw_websocket import CONTINUATION, PING, TEXT, frame

_SIZES = (0, 1, 60, 125, 126, 200, 65_535, 65_536, 70_000)


def _messages(sizes: Sequence[int]) -> tuple[EventMessage, ...]:
    payloads = (b'{"n":"%b"}' % (b"x" * size) for size in sizes)
    return tuple(EventMessage(payload, str(number)) for number, payload in enumerate(payloads))


def _read(data: bytes) -> Iterator[bytes]:
    """The texts of frames of a server."""
    position = 0
    while position < len(data):
        first, size = data[position], data[position + 1]
        assert first == 0x81
        position += 2
        if size == 126:
            [size] = struct.unpack_from("!H", data, position)
            position += 2
        elif size == 127:
            [size] = struct.unpack_from("!Q", data, position)
            position += 8
        yield data[position : position + size]
        position += size
    assert position == len(data)


@pytest.mark.parametrize("kind", [tuple, list])
@pytest.mark.parametrize("name", ["1", "é" * 40, "x" * 300, 'with "quotes"'])
def test_each_event_is_a_frame_with_the_id_of_its_subscriber(name: str, kind: type) -> None:
    messages = _messages(_SIZES)
    framed = EventFrames().framed(next_prefix(name), kind(messages))
    assert [json.loads(text) for text in _read(framed)] == [
        {"id": name, "type": "next", "payload": json.loads(message.payload)} for message in messages
    ]


def test_subscribers_of_the_same_events_get_each_its_own_id_and_later_ones_later_events() -> None:
    frames = EventFrames()
    for sizes in ((1, 2, 3), (4,), (1, 2, 3)):
        messages = _messages(sizes)
        for name in ("a", "b", "long", *("x" * length for length in range(5, 30))):
            framed = frames.framed(next_prefix(name), messages)
            told = [json.loads(text) for text in _read(framed)]
            assert [each["id"] for each in told] == [name] * len(sizes)
            assert [len(each["payload"]["n"]) for each in told] == list(sizes)


def test_a_list_that_has_changed_is_framed_anew() -> None:
    frames = EventFrames()
    messages = list(_messages((1, 2)))
    assert len(list(_read(frames.framed(next_prefix("1"), messages)))) == 2
    messages.pop()
    assert len(list(_read(frames.framed(next_prefix("1"), messages)))) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_may_arrive_in_pieces_of_any_size(size: int) -> None:
    sent = (
        frame(TEXT, b"one")
        + frame(TEXT, b"t", fin=False)
        + frame(PING, b"?")
        + frame(CONTINUATION, b"w", fin=False)
        + frame(CONTINUATION, b"o")
        + frame(2, b"x" * 200)
    )
    reader = FrameReader(1000)
    read = []
    for start in range(0, len(sent), size):
        reader.feed(sent[start : start + size])
        while (arrived := reader.read()) is not None:
            read.append(arrived)
    assert [arrived for arrived in read if arrived.opcode is not Opcode.CONT] == [
        (Opcode.TEXT, "one"),
        (Opcode.PING, b"?"),
        (Opcode.TEXT, "two"),
        (Opcode.BINARY, b"x" * 200),
    ]
    assert reader.is_idle


@pytest.mark.parametrize(
    "sent", [b"\x81", frame(TEXT, b"ab")[:5], frame(TEXT, b"ab")[:-1], frame(TEXT, fin=False)]
)
def test_a_reader_with_a_part_of_something_is_not_idle(sent: bytes) -> None:
    reader = FrameReader(1000)
    reader.feed(sent)
    while reader.read() is not None:
        pass
    assert not reader.is_idle
