"""Cursors of events: where a subscription starts, as an opaque text.

A cursor is made of numbers, a checksum, and a digest of the outbox's epoch, in base64 for URLs. The
epoch is a random text that each new outbox has, so the cursors of one are not taken for those of
another.

The numbers tell how much happens in all workspaces. The cursors of those who see one workspace are
sealed: they tell nothing, and can't be made up.
"""

import binascii
import functools
import hashlib
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from db.errors import EventsExpired, InvalidInput
from db.events.position import Position
from db.events.seals import seal, unseal
from db.events.start import Seen, Snapshot, Start

LONGEST_CURSOR = 8_192
"""The maximum length of a cursor; a snapshot with many running transactions makes it long."""

_FORM = b"\1"
_SEALED = b"\2"
_LARGEST = 2**63 - 1
_NUMBERS = struct.Struct(">3q")
_EPOCH_BYTES = 5
_CHECKSUM_BYTES = 6
_HEAD = len(_FORM) + _EPOCH_BYTES
# Fewer digits than Python refuses to read.
_SEEN = re.compile(rb"(?:\d{1,20}:){5}(?:\d{1,20}(?:,\d{1,20})*)?")


def encode_cursor(start: Start, epoch: str) -> str:
    """Write a start in the outbox of an epoch as a cursor."""
    return _finish(_FORM, _write(start), epoch)


def encode_sealed_cursor(start: Start, epoch: str, salt: bytes) -> str:
    """Write a start as a sealed cursor; with the same salt, it is the same text each time."""
    return _finish(_SEALED, seal(_write(start), epoch, salt), epoch)


def decode_cursor(cursor: str, epoch: str, argument: str, *, must_be_sealed: bool = False) -> Start:
    """Read a cursor; ``argument`` is the name of its argument, for the message.

    Raises InvalidInput if the gateway did not make it or it was changed, and EventsExpired if it is
    of another outbox, or is not sealed although it must be.
    """
    content = _content(cursor)
    form, written = content[:1], content[_HEAD:]
    if form not in (_FORM, _SEALED):
        raise _not_ours(cursor, argument)
    is_sealed = form == _SEALED
    start = None if is_sealed else _read(written)
    if not is_sealed and start is None:
        raise _not_ours(cursor, argument)
    if content[len(_FORM) : _HEAD] != _digest(epoch) or (must_be_sealed and not is_sealed):
        raise EventsExpired
    if is_sealed:
        unsealed = unseal(written, epoch)
        start = None if unsealed is None else _read(unsealed)
    if start is None:
        raise _not_ours(cursor, argument)
    return start


def _finish(form: bytes, written: bytes, epoch: str) -> str:
    content = form + _digest(epoch) + written
    return _as_text(content + _checksum(content))


def _not_ours(cursor: str, argument: str) -> InvalidInput:
    expected = "a cursor taken unchanged from an event or from eventCursor"
    return InvalidInput.of(argument, cursor, expected)


def _write(start: Start) -> bytes:
    written = _NUMBERS.pack(*start.position)
    return written if start.seen is None else written + _pack_seen(start.seen)


def _read(written: bytes) -> Start | None:
    numbers, packed = written[: _NUMBERS.size], written[_NUMBERS.size :]
    seen = _unpack_seen(packed) if packed else None
    if len(numbers) < _NUMBERS.size or (packed and seen is None):
        return None
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
