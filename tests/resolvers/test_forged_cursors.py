"""Anybody can make a cursor with a true checksum: what it holds is read as any other input is."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway import Gateway
from tests.sample import SAMPLE

PAGE = """
query ($orderBy: [ExecutionOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  executions(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { guid } }
    pageInfo { hasNextPage hasPreviousPage }
  }
}
"""

NEWEST = "created_on desc, id desc"
BY_SESSION = "session_id asc, created_on asc, id asc"
ORDERS: dict[str, list[dict[str, str]]] = {
    NEWEST: [],
    "created_on asc, id asc": [{"field": "CREATED_ON", "direction": "ASC"}],
    "updated_on desc, id desc": [{"field": "UPDATED_ON"}],
    "state desc, created_on desc, id desc": [{"field": "STATE"}],
    "agentflow_id asc, created_on asc, id asc": [{"field": "AGENTFLOW_ID", "direction": "ASC"}],
    BY_SESSION: [{"field": "SESSION_ID", "direction": "ASC"}],
    "session_id desc, created_on desc, id desc": [{"field": "SESSION_ID"}],
    "state asc, session_id desc, updated_on asc, id asc": [
        {"field": "STATE", "direction": "ASC"},
        {"field": "SESSION_ID"},
        {"field": "UPDATED_ON", "direction": "ASC"},
    ],
}


def forged(content: str | bytes) -> str:
    """A cursor that holds a text, with the checksum that belongs to it."""
    raw = content if isinstance(content, bytes) else content.encode()
    checksum = hashlib.blake2b(raw, digest_size=6, person=b"cursor-1").digest()
    return urlsafe_b64encode(checksum + raw).rstrip(b"=").decode()


def holding(*values: object) -> str:
    return forged(json.dumps(values, separators=(",", ":")))


def numbered(created_on: int, id_: int, *, order: int = 1, prime: int = 10**12 + 39) -> str:
    """A cursor of the order with a number, with the digits that belong to its values."""
    values = (created_on % 2**64 << 64) + id_ % 2**64
    return f"{values * prime + order * (2**168 + 0x9E3779B97F4A7C15):044x}"


def _arguments(cursor: str, *, forward: bool) -> dict[str, Any]:
    return {"first": 3, "after": cursor} if forward else {"last": 3, "before": cursor}


@pytest.mark.parametrize("forge", [lambda *values: holding(NEWEST, *values), numbered])
def test_a_forged_cursor_of_what_stands_in_the_columns_is_a_place_in_the_list(
    sample_gateway: Gateway, forge: Callable[[int, int], str]
) -> None:
    row = SAMPLE[0]
    cursor = forge(row.created_on, row.id)
    page = sample_gateway.graphql(PAGE, first=1000, after=cursor)["executions"]
    assert row.guid not in {edge["node"]["guid"] for edge in page["edges"]}


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    "cursor",
    [
        holding(NEWEST, 9223372036854775808, 1),
        holding(NEWEST, 1, 9223372036854775808),
        holding(NEWEST, 1, -9223372036854775809),
        holding(NEWEST, 253402300800000, 1),
        holding(NEWEST, -62135596800001, 1),
        holding(NEWEST, "1", 1),
        holding(NEWEST, 1, "1"),
        holding(NEWEST, 1.0, 1),
        holding(NEWEST, 1, 1.5),
        holding(NEWEST, True, 1),
        holding(NEWEST, None, 1),
        holding(NEWEST, 1, None),
        holding(NEWEST, [1], 1),
        holding(NEWEST, {"a": 1}, 1),
        holding(NEWEST, float("nan"), 1),
        holding(NEWEST, float("inf"), 1),
        holding(NEWEST, 10**400, 1),
        holding(NEWEST),
        holding(NEWEST, 1),
        holding(NEWEST, 1, 1, 1),
        holding(),
        holding(None, 1, 1),
        holding([NEWEST], 1, 1),
        forged("{}"),
        forged("null"),
        forged("1"),
        forged(f'"{NEWEST}"'),
        forged(f'["{NEWEST}",1,1'),
        forged(f'["{NEWEST}",1e999,1]'),
        forged(b"\xff\xfe"),
        forged("[" * 40_000 + "]" * 40_000),
        forged(f'["{NEWEST}",' + "[" * 20_000 + "]" * 20_000 + ",1]"),
        holding(NEWEST, 1, "x" * 500_000),
        numbered(253402300800000, 1),
        numbered(-62135596800001, 1),
        numbered(1, 1, prime=10**12 + 37),
        numbered(1, 1).upper(),
        numbered(1, 1, order=0),
        numbered(1, 1, order=13),
        numbered(1, 1, order=255),
        f"{numbered(1, 1)[:22]} {numbered(1, 1)[22:]}",
        f"0x{numbered(1, 1)}",
        "00" * 22,
        "01" + "00" * 21,
        "ff" * 22,
        "ff" * 32_768,
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else str(value),
)
def test_what_can_not_stand_in_the_columns_is_refused(
    sample_gateway: Gateway, cursor: str, *, forward: bool
) -> None:
    code, message = sample_gateway.refused(PAGE, **_arguments(cursor, forward=forward))
    assert code == "BAD_USER_INPUT"
    assert ("after" if forward else "before") in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    "values",
    [("a", 1, "1"), (1, 1, 1), (True, 1, 1), ([], 1, 1), ("a", None, 1)],
    ids=str,
)
def test_a_nullable_column_holds_a_text_or_null_and_nothing_else(
    sample_gateway: Gateway, values: tuple[object, ...]
) -> None:
    order_by = ORDERS[BY_SESSION]
    cursor = holding(BY_SESSION, *values)
    assert sample_gateway.refused(PAGE, after=cursor, orderBy=order_by)[0] == "BAD_USER_INPUT"
    sample_gateway.graphql(PAGE, after=holding(BY_SESSION, None, 1, 1), orderBy=order_by)


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff\ud800"])
def test_half_of_a_surrogate_pair_is_refused(sample_gateway: Gateway, escape: str) -> None:
    cursor = forged(f'["{BY_SESSION}","{escape}",1,1]')
    order_by = ORDERS[BY_SESSION]
    assert sample_gateway.refused(PAGE, after=cursor, orderBy=order_by)[0] == "BAD_USER_INPUT"


def test_the_order_that_a_forged_cursor_names_is_quoted_and_shortened(
    sample_gateway: Gateway,
) -> None:
    code, message = sample_gateway.refused(PAGE, after=holding("x" * 20_000, 1, 1))
    assert code == "BAD_USER_INPUT"
    assert len(message) < 500


_whole = st.integers() | st.integers(-(2**64), 2**64) | st.integers(-5, 5)
_leaves = (
    st.none() | st.booleans() | _whole | st.floats() | st.text() | st.sampled_from(["ERROR", "s"])
)
_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_contents = st.builds(
    lambda signature, values: [signature, *values],
    st.sampled_from(list(ORDERS)) | _json,
    st.lists(_leaves, min_size=2, max_size=4) | st.lists(_json, max_size=5),
)


@settings(deadline=None, max_examples=300)
@given(
    order=st.sampled_from(list(ORDERS)),
    contents=_contents | _json,
    keeps_signature=st.booleans(),
    forward=st.booleans(),
)
def test_whatever_a_cursor_holds_it_is_answered_and_so_is_what_comes_after(
    sample_gateway: Gateway, *, order: str, contents: Any, keeps_signature: bool, forward: bool
) -> None:
    if keeps_signature and isinstance(contents, list) and contents:
        contents[0] = order
    cursor = forged(json.dumps(contents, separators=(",", ":")))
    arguments = _arguments(cursor, forward=forward)
    answer = sample_gateway.post(PAGE, orderBy=ORDERS[order], **arguments).json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes in ([], ["BAD_USER_INPUT"])
    plain = sample_gateway.graphql("{ executions(first: 1) { nodes { guid } } }")
    assert len(plain["executions"]["nodes"]) == 1
