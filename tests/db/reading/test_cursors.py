"""A cursor decodes to the position it was made from, and nothing else decodes."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.columns import RANGED, SORTABLE
from db.errors import InvalidInput
from db.instants import EARLIEST_MS, LATEST_MS
from db.reading.cursors import cursor_encoder, decode_cursor, encode_cursor, page_encoder
from db.reading.paging import NEWEST_FIRST, Order, Position, Term, total_order
from db.texts import read_text

_terms = st.lists(st.builds(Term, st.sampled_from(SORTABLE), st.booleans()), max_size=5)
_times = st.lists(st.builds(Term, st.sampled_from(RANGED), st.booleans()), max_size=3)
_orders = _terms.map(total_order) | _times.map(total_order)
_stored_text = st.binary(max_size=20).map(read_text) | st.text(max_size=20)
_VALUES = {
    "id": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "created_on": st.integers(EARLIEST_MS, LATEST_MS) | st.integers(-3, 3),
    "updated_on": st.integers(EARLIEST_MS, LATEST_MS),
    "finished_on": st.none() | st.integers(EARLIEST_MS, LATEST_MS) | st.integers(-3, 3),
    "duration_ms": st.none() | st.integers(EARLIEST_MS - LATEST_MS, LATEST_MS - EARLIEST_MS),
    "state": _stored_text,
    "agentflow_id": _stored_text,
    "session_id": st.none() | _stored_text,
}


def _positions(order: Order) -> st.SearchStrategy[Position]:
    return st.tuples(*(_VALUES[term.field] for term in order))


@st.composite
def _places(draw: st.DrawFn) -> tuple[Order, Position]:
    """An order and a position in it."""
    order = draw(_orders)
    return order, draw(_positions(order))


@settings(deadline=None)
@given(place=_places())
def test_a_cursor_is_read_as_the_position_it_was_made_of(place: tuple[Order, Position]) -> None:
    order, position = place
    assert decode_cursor(encode_cursor(position, order), order, "after") == position


@settings(deadline=None)
@given(place=_places())
def test_a_cursor_is_written_in_characters_that_a_url_and_json_take_as_they_are(
    place: tuple[Order, Position],
) -> None:
    order, position = place
    assert set(encode_cursor(position, order)) <= {*string.ascii_letters, *string.digits, *"-_"}


@settings(deadline=None)
@given(data=st.data(), order=_orders)
def test_a_page_has_the_cursors_that_its_rows_have_one_by_one(
    data: st.DataObject, order: Order
) -> None:
    positions = data.draw(st.lists(_positions(order), max_size=4)) * data.draw(
        st.sampled_from([1, 13, 25, 250])
    )
    encode = cursor_encoder(order)
    expected = [encode(position) for position in positions]
    assert page_encoder(order)(positions) == expected
    fields = tuple(data.draw(st.permutations(["guid", *(term.field for term in order)])))
    names = [term.field for term in order]
    by_name = [{"guid": "g", **dict(zip(names, each, strict=True))} for each in positions]
    rows = [tuple(row[field] for field in fields) for row in by_name]
    assert page_encoder(order, fields)(rows) == expected


@settings(deadline=None)
@given(place=_places(), data=st.data())
def test_a_cursor_with_any_one_character_changed_is_refused(
    place: tuple[Order, Position], data: st.DataObject
) -> None:
    order, position = place
    cursor = encode_cursor(position, order)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from(sorted({*string.hexdigits, *"-_zZ +é\u0661"} - {cursor[at]})))
    with pytest.raises(InvalidInput, match="taken unchanged from an earlier page"):
        decode_cursor(cursor[:at] + other + cursor[at + 1 :], order, "after")


@settings(deadline=None, max_examples=10)
@given(position=_positions(NEWEST_FIRST))
def test_a_cursor_of_numbers_with_any_two_digits_changed_is_refused(position: Position) -> None:
    cursor = encode_cursor(position, NEWEST_FIRST)
    for first in range(len(cursor)):
        for second in range(first):
            digits = list(cursor)
            for at in (first, second):
                digits[at] = "0123456789abcdef"[int(cursor[at], 16) - 3]
            with pytest.raises(InvalidInput):
                decode_cursor("".join(digits), NEWEST_FIRST, "after")


@settings(deadline=None)
@given(place=_places(), data=st.data())
def test_a_cursor_that_is_cut_or_lengthened_is_refused(
    place: tuple[Order, Position], data: st.DataObject
) -> None:
    order, position = place
    cursor = encode_cursor(position, order)
    length = data.draw(st.integers(0, len(cursor) - 1))
    for changed in (
        cursor[:length],
        cursor[length + 1 :],
        cursor + "0",
        "0" + cursor,
        cursor + " ",
    ):
        with pytest.raises(InvalidInput):
            decode_cursor(changed, order, "after")


@settings(deadline=None)
@given(place=_places(), other=_orders)
def test_a_cursor_of_another_order_is_refused_and_both_orders_are_named(
    place: tuple[Order, Position], other: Order
) -> None:
    order, position = place
    if order == other:
        return
    with pytest.raises(InvalidInput, match="of a list in another order") as refused:
        decode_cursor(encode_cursor(position, order), other, "after")
    for each in (order, other):
        named = ", ".join(f"{term.field} {'desc' if term.descending else 'asc'}" for term in each)
        assert named in str(refused.value) or len(named) > 60


def test_a_time_that_an_engine_left_null_does_not_break_the_page_it_is_on() -> None:
    order = total_order([Term("updated_on", descending=True)])
    fine, broken = page_encoder(order)([(5, 1), (None, 2)])
    assert decode_cursor(fine, order, "after") == (5, 1)
    with pytest.raises(InvalidInput):
        decode_cursor(broken, order, "after")


def test_a_cursor_that_a_client_keeps_stays_a_cursor() -> None:
    cursor = "0100000167fd2f4632470a72d8009f77383f6d490b05"
    assert decode_cursor(cursor, NEWEST_FIRST, "after") == (1_700_000_000_000, 90_000)
    order = total_order([Term("updated_on", descending=False), Term("created_on", descending=True)])
    assert encode_cursor((1, 2, 3), order) == (
        "0b0000000000000000e8d4a51027000001d1a94a2054cc623db2f622855c"
    )


def test_a_cursor_of_times_in_json_is_a_place_in_the_list() -> None:
    cursor = "Qt-kH0MSWyJjcmVhdGVkX29uIGRlc2MsIGlkIGRlc2MiLDE3MDAwMDAwMDAwMDAsOTAwMDBd"
    assert decode_cursor(cursor, NEWEST_FIRST, "after") == (1_700_000_000_000, 90_000)
