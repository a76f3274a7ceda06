"""Cursors of events: where a subscription starts, as an opaque text.

A cursor is made of numbers, a checksum, and a digest of the outbox's epoch, in base64 for URLs. The
epoch is a random text that each new outbox has, so the cursors of one are not taken for those of
another.
"""

import binascii
import functools
import hashlib
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from db.errors import EventsExpired, InvalidInput
from db.events.position import Position
from db.events.start import Seen, Snapshot, Start

LONGEST_CURSOR = 8_192
"""The maximum length of a cursor; a snapshot with many running transactions makes it long."""

_FORM = b"\1"
_LARGEST = 2**63 - 1
_NUMBERS = struct.Struct(">3q")
_EPOCH_BYTES = 5
_CHECKSUM_BYTES = 6
_HEAD = len(_FORM) + _EPOCH_BYTES
_SEEN_AT = _HEAD + _NUMBERS.size
# Fewer digits than Python refuses to read.
_SEEN = re.compile(rb"(?:\d{1,20}:){5}(?:\d{1,20}(?:,\d{1,20})*)?")


def encode_cursor(start: Start, epoch: str) -> str:
    """Write a start in the outbox of an epoch as a cursor."""
    content = _FORM + _digest(epoch) + _NUMBERS.pack(*start.position)
    if start.seen is not None:
        content += _pack_seen(start.seen)
    return _as_text(content + _checksum(content))


def decode_cursor(cursor: str, epoch: str, argument: str) -> Start:
    """Read a cursor; ``argument`` is the name of its argument, for the message.

    Raises InvalidInput if the gateway did not make it or it was changed, and EventsExpired if it is
    of another outbox.
    """
    content = _content(cursor)
    numbers, packed = content[_HEAD:_SEEN_AT], content[_SEEN_AT:]
    seen = _unpack_seen(packed) if packed else None
    if len(numbers) < _NUMBERS.size or content[:1] != _FORM or (packed and seen is None):
        expected = "a cursor taken unchanged from an event or from eventCursor"
        raise InvalidInput.of(argument, cursor, expected)
    if content[len(_FORM) : _HEAD] != _digest(epoch):
        raise EventsExpired
    return Start(Position(*_NUMBERS.unpack(numbers)), seen)


# Each event that is read from one start repeats it.
@functools.lru_cache(maxsize=64)
def _pack_seen(seen: Seen) -> bytes:
    """Write what was seen; running transactions as their distances, which have few digits."""
    snapshot = seen.snapshot
    distances = []
    last = snapshot.lowest
    for running in sorted(snapshot.running):
        distances.append(str(running - last))
        last = running
    length = snapshot.next - snapshot.lowest
    numbers = (seen.until, seen.tick, seen.events, snapshot.lowest, length)
    return ":".join([*map(str, numbers), ",".join(distances)]).encode()


def _unpack_seen(packed: bytes) -> Seen | None:
    """Read what was seen; None if there is no such snapshot, because anybody can make a cursor."""
    if _SEEN.fullmatch(packed) is None:
        return None
    *numbers, distances = packed.split(b":")
    until, tick, events, lowest, length = map(int, numbers)
    last = lowest
    running = set()
    for distance in filter(None, distances.split(b",")):
        last += int(distance)
        running.add(last)
    following = lowest + length
    if max(until, tick, events, following) > _LARGEST or (running and last >= following):
        return None
    # PostgreSQL counts transactions modulo 2^32, and none has the number 0.
    if not (lowest % 2**32 and following % 2**32):
        return None
    return Seen(Snapshot(lowest, following, frozenset(running)), until, tick, events)


def _content(cursor: str) -> bytes:
    """Return what a cursor holds, or nothing if it is not one."""
    if len(cursor) > LONGEST_CURSOR or not cursor.isascii():
        return b""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        return b""
    content, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    # Of the texts that base64 reads as the same bytes, only one is ours.
    return content if checksum == _checksum(content) and _as_text(raw) == cursor else b""


def _as_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, person=b"event-cursor-1").digest()


@functools.lru_cache(maxsize=16)
def _digest(epoch: str) -> bytes:
    return hashlib.blake2b(epoch.encode(), digest_size=_EPOCH_BYTES, person=b"event-epoch").digest()
