"""A cursor of events is read as the start it was made of, and nothing else is read."""

import hashlib
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from db.errors import EventsExpired, InvalidInput
from db.events.cursors import (
    LONGEST_CURSOR,
    decode_cursor,
    encode_cursor,
    encode_sealed_cursor,
)
from db.events.event import EventType, ExecutionEvent
from db.events.position import Position
from db.events.start import Seen, Snapshot, Start

EPOCH = "an epoch"
_numbers = st.integers(0, 2**63 - 1) | st.integers(0, 3)
_positions = st.builds(Position, _numbers, _numbers, _numbers)


@st.composite
def _snapshots(draw: st.DrawFn) -> Snapshot:
    lowest = draw(st.integers(3, 2**31) | st.integers(2**40 + 3, 2**40 + 2**31))
    length = draw(st.integers(0, 1_000))
    running = draw(st.frozensets(st.integers(0, length - 1), max_size=20)) if length else ()
    return Snapshot(lowest, lowest + length, frozenset(lowest + each for each in running))


_starts = st.builds(
    Start, _positions, st.none() | st.builds(Seen, _snapshots(), _numbers, _numbers, _numbers)
)
_epochs = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(start=_starts, epoch=_epochs)
def test_a_cursor_is_read_as_the_start_it_was_made_of(start: Start, epoch: str) -> None:
    assert decode_cursor(encode_cursor(start, epoch), epoch, "after") == start


@settings(deadline=None)
@given(start=_starts)
def test_a_cursor_is_written_in_characters_that_headers_and_urls_take_as_they_are(
    start: Start,
) -> None:
    written = set(encode_cursor(start, EPOCH))
    assert written <= {*string.ascii_letters, *string.digits, *"-_"}


@given(position=_positions)
def test_the_cursor_of_an_event_is_short(position: Position) -> None:
    assert len(encode_cursor(Start(position), EPOCH)) < 80


def test_a_cursor_with_a_thousand_running_transactions_fits_into_a_header() -> None:
    running = frozenset(range(10**12, 10**12 + 50_000, 50))
    start = Start(Position(1, 2, 3), Seen(Snapshot(10**12, 10**12 + 50_000, running), 4, 5, 6))
    cursor = encode_cursor(start, EPOCH)
    assert decode_cursor(cursor, EPOCH, "after") == start
    assert len(cursor) < 4_100


@settings(deadline=None)
@given(start=_starts, epoch=_epochs, other=_epochs)
def test_a_cursor_of_another_outbox_has_expired(start: Start, epoch: str, other: str) -> None:
    assume(epoch != other)
    with pytest.raises(EventsExpired, match="load your list anew"):
        decode_cursor(encode_cursor(start, epoch), other, "after")


@settings(deadline=None)
@given(start=_starts, data=st.data())
def test_a_cursor_with_any_one_character_changed_is_refused(
    start: Start, data: st.DataObject
) -> None:
    cursor = encode_cursor(start, EPOCH)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letters = {*string.ascii_letters, *string.digits, *"-_+/= \n\0é\u0661"}
    other = data.draw(st.sampled_from(sorted(letters - {cursor[at]})))
    with pytest.raises(InvalidInput, match="after must be a cursor taken unchanged from an event"):
        decode_cursor(cursor[:at] + other + cursor[at + 1 :], EPOCH, "after")


@settings(deadline=None)
@given(start=_starts, data=st.data())
def test_a_cursor_that_is_cut_or_lengthened_is_refused(start: Start, data: st.DataObject) -> None:
    cursor = encode_cursor(start, EPOCH)
    at = data.draw(st.integers(0, len(cursor) - 1))
    more = data.draw(st.sampled_from(["A", "=", " ", "\n", "AAAA", cursor]))
    for changed in (cursor[:at], cursor[at + 1 :], cursor + more, more + cursor):
        with pytest.raises(InvalidInput):
            decode_cursor(changed, EPOCH, "after")


@given(text=st.text() | st.binary(max_size=60).map(bytes.hex))
def test_any_other_text_is_refused_in_the_name_of_its_argument(text: str) -> None:
    with pytest.raises(InvalidInput, match="Last-Event-ID must be a cursor"):
        decode_cursor(text, EPOCH, "Last-Event-ID")


@settings(deadline=None)
@given(start=_starts, epoch=_epochs, salt=st.binary(max_size=20))
def test_a_sealed_cursor_is_read_as_the_start_it_was_made_of(
    start: Start, epoch: str, salt: bytes
) -> None:
    cursor = encode_sealed_cursor(start, epoch, salt)
    for must_be_sealed in (False, True):
        assert decode_cursor(cursor, epoch, "after", must_be_sealed=must_be_sealed) == start


@settings(deadline=None)
@given(start=_starts, position=_positions, salt=st.binary(max_size=20))
def test_a_sealed_cursor_tells_nothing_of_its_position(
    start: Start, position: Position, salt: bytes
) -> None:
    """Only what all cursors of an outbox begin with is the same, and the length."""
    cursors = [
        encode_sealed_cursor(each, EPOCH, salt)
        for each in (Start(start.position), Start(position._replace(tick=start.position.tick ^ 1)))
    ]
    raw = [urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)) for cursor in cursors]
    assert len(raw[0]) == len(raw[1])
    assert sum(one == other for one, other in zip(*raw, strict=True)) < 30


def test_a_sealed_cursor_of_a_moment_is_another_one_with_another_salt() -> None:
    start = Start(Position(1, 2, 3))
    assert encode_sealed_cursor(start, EPOCH, b"1") != encode_sealed_cursor(start, EPOCH, b"2")
    assert encode_sealed_cursor(start, EPOCH, b"") == encode_sealed_cursor(start, EPOCH, b"")


@given(start=_starts)
def test_where_a_cursor_must_be_sealed_any_other_has_expired(start: Start) -> None:
    with pytest.raises(EventsExpired):
        decode_cursor(encode_cursor(start, EPOCH), EPOCH, "after", must_be_sealed=True)


@given(start=_starts, data=st.data())
def test_a_sealed_cursor_can_not_be_made_up(start: Start, data: st.DataObject) -> None:
    """Not even by who computes the checksum anew."""
    raw = bytearray(urlsafe_b64decode(encode_sealed_cursor(start, EPOCH, b"") + "=="))[:-6]
    at = data.draw(st.integers(6, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    checksum = hashlib.blake2b(raw, digest_size=6, person=b"event-cursor-1").digest()
    forged = urlsafe_b64encode(bytes(raw) + checksum).rstrip(b"=").decode()
    with pytest.raises(InvalidInput, match="after must be a cursor taken unchanged from an event"):
        decode_cursor(forged, EPOCH, "after")


def test_a_sealed_cursor_of_another_outbox_has_expired() -> None:
    with pytest.raises(EventsExpired):
        decode_cursor(
            encode_sealed_cursor(Start(Position(1, 2, 3)), "another", b""), EPOCH, "after"
        )


def test_a_text_of_any_length_is_refused() -> None:
    with pytest.raises(InvalidInput, match="characters"):
        decode_cursor("A" * 10 * LONGEST_CURSOR, EPOCH, "after")


def test_a_cursor_that_a_client_keeps_stays_a_cursor() -> None:
    position = Position(7, 90_000, 1_700_000_000_000)
    cursor = "AXvqCfVmAAAAAAAAAAcAAAAAAAFfkAAAAYvP5WgAMTcwMDAwMDAwMDAwMTo3OjI6MTAwOjU6MywxuSC8JKuu"
    seen = Seen(Snapshot(100, 105, frozenset({103, 104})), 1_700_000_000_001, 7, 2)
    assert decode_cursor(cursor, EPOCH, "after") == Start(position, seen)


@pytest.mark.parametrize(
    "seen",
    [
        Seen(Snapshot(0, 5), 1, 1, 1),
        Seen(Snapshot(5, 2**63), 1, 1, 1),
        Seen(Snapshot(5, 7, frozenset({7})), 1, 1, 1),
        Seen(Snapshot(5, 7, frozenset({6, 2**70})), 1, 1, 1),
        Seen(Snapshot(5, 7), 2**63, 1, 1),
        Seen(Snapshot(5, 7), 1, 2**63, 1),
        Seen(Snapshot(5, 7), 1, 1, 2**63),
        Seen(Snapshot(5, 7), -1, 1, 1),
        Seen(Snapshot(7, 5), 1, 1, 1),
        Seen(Snapshot(2**32, 2**32 + 1), 1, 1, 1),
        Seen(Snapshot(5, 2**32), 1, 1, 1),
    ],
    ids=str,
)
def test_a_forged_cursor_with_what_no_snapshot_has_is_refused(seen: Seen) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(encode_cursor(Start(Position(1, 1, 1), seen), EPOCH), EPOCH, "after")


@pytest.mark.parametrize(
    ("text", "shown", "not_shown"),
    [
        ("10:10:", [0, 3, 9], [10, 11]),
        ("10:15:11,12", [9, 10, 13, 14], [11, 12, 15, 2**63]),
    ],
)
def test_a_snapshot_shows_the_transactions_that_had_been_committed(
    text: str, shown: list[int], not_shown: list[int]
) -> None:
    snapshot = Snapshot.read(text)
    assert snapshot.text == text
    assert [snapshot.shows(writer) for writer in shown] == [True] * len(shown)
    assert [snapshot.shows(writer) for writer in not_shown] == [False] * len(not_shown)


def _event(writer: int, occurred_on: int) -> ExecutionEvent:
    return ExecutionEvent(Position(1, 1, 1), EventType.CREATED, occurred_on, None, None, writer)


def test_what_occurred_later_was_not_seen_although_its_transaction_has_an_old_number() -> None:
    seen = Seen(Snapshot.read("10:15:11"), until=1_000, tick=1, events=1)
    assert seen.has(_event(12, 1_000))
    assert not seen.has(_event(12, 1_001))
    assert not seen.has(_event(11, 1_000))
