"""Pages by cursor, while executions come, change and go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.reference import comparison, ordered
from tests.sample import SAMPLE, START, as_kept

PAGE = """
query ($orderBy: [ExecutionOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  executions(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { guid } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""

OrderBy = list[dict[str, str]] | None

ORDERS: list[OrderBy] = [
    None,
    [],
    [{"field": "CREATED_ON", "direction": "ASC"}],
    [{"field": "UPDATED_ON"}],
    [{"field": "FINISHED_ON"}],
    [{"field": "FINISHED_ON", "direction": "ASC"}],
    [{"field": "DURATION"}],
    [{"field": "DURATION", "direction": "ASC"}],
    [{"field": "FINISHED_ON", "direction": "ASC"}, {"field": "DURATION", "direction": "DESC"}],
    [{"field": "STATE", "direction": "ASC"}],
    [{"field": "SESSION_ID"}],
    [{"field": "SESSION_ID", "direction": "ASC"}],
    [{"field": "AGENTFLOW_ID", "direction": "ASC"}, {"field": "CREATED_ON", "direction": "DESC"}],
    [{"field": "SESSION_ID", "direction": "DESC"}, {"field": "STATE", "direction": "ASC"}],
    [{"field": "STATE"}, {"field": "SESSION_ID", "direction": "ASC"}, {"field": "CREATED_ON"}],
    [{"field": "STATE", "direction": "ASC"}, {"field": "STATE", "direction": "DESC"}],
]


def _page(gateway: Gateway, **arguments: Any) -> Any:
    return gateway.graphql(PAGE, **arguments)["executions"]


def _guids(page: Any) -> list[str]:
    return [edge["node"]["guid"] for edge in page["edges"]]


@pytest.mark.parametrize("order_by", ORDERS, ids=str)
@pytest.mark.parametrize("size", [1, 5, 23, 24, 25])
def test_paging_forward_shows_every_execution_once_in_order(
    sample_gateway: Gateway, order_by: OrderBy, size: int
) -> None:
    seen, after, more = [], None, True
    while more:
        page = _page(sample_gateway, orderBy=order_by, first=size, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += _guids(page)
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [row.guid for row in ordered(SAMPLE, order_by)]


@pytest.mark.parametrize("order_by", ORDERS, ids=str)
@pytest.mark.parametrize("size", [1, 5, 24])
def test_paging_backward_shows_every_execution_once_in_order(
    sample_gateway: Gateway, order_by: OrderBy, size: int
) -> None:
    seen: list[str] = []
    before, more = None, True
    while more:
        page = _page(sample_gateway, orderBy=order_by, last=size, before=before)
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        seen = _guids(page) + seen
        before, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
    assert seen == [row.guid for row in ordered(SAMPLE, order_by)]


def test_the_first_fifty_are_answered_when_no_number_is_given(gateway: Gateway) -> None:
    gateway.insert(
        SAMPLE[0]._replace(id=number, guid=str(number), created_on=number) for number in range(60)
    )
    assert _guids(_page(gateway)) == [str(number) for number in range(59, 9, -1)]


def test_after_and_before_together_bound_a_page_on_both_sides(sample_gateway: Gateway) -> None:
    edges = _page(sample_gateway, first=24)["edges"]
    everything = [edge["node"]["guid"] for edge in edges]
    between = {"after": edges[3]["cursor"], "before": edges[10]["cursor"]}
    assert _guids(_page(sample_gateway, first=20, **between)) == everything[4:10]
    assert _guids(_page(sample_gateway, first=2, **between)) == everything[4:6]
    assert _guids(_page(sample_gateway, last=2, **between)) == everything[8:10]


def test_a_page_of_none_is_empty_and_says_whether_there_is_more(sample_gateway: Gateway) -> None:
    page = _page(sample_gateway, first=0)
    assert page["edges"] == []
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


def test_a_page_after_the_last_execution_is_empty_and_has_a_previous_one(
    sample_gateway: Gateway,
) -> None:
    last = _page(sample_gateway, last=1)["pageInfo"]["endCursor"]
    page = _page(sample_gateway, first=5, after=last)
    assert page["edges"] == []
    assert page["pageInfo"]["hasNextPage"] is False
    assert page["pageInfo"]["hasPreviousPage"] is True


def test_a_page_after_the_cursor_of_a_deleted_execution_goes_on_behind_it(
    gateway: Gateway,
) -> None:
    gateway.insert(SAMPLE)
    cursor = _page(gateway, first=3)["pageInfo"]["endCursor"]
    expected = _guids(_page(gateway, first=2, after=cursor))
    gateway.sql("DELETE FROM executions WHERE guid = ?", _guids(_page(gateway, first=3))[2])
    assert _guids(_page(gateway, first=2, after=cursor)) == expected


def test_there_is_no_previous_page_when_all_before_a_cursor_is_gone(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    first = _page(gateway, first=1)
    gateway.sql("DELETE FROM executions WHERE guid = ?", _guids(first)[0])
    page = _page(gateway, first=1, after=first["pageInfo"]["endCursor"])
    assert page["pageInfo"]["hasPreviousPage"] is False


@pytest.mark.parametrize(
    ("arguments", "mentioned"),
    [
        ({"first": 1, "last": 1}, ["first", "last"]),
        ({"first": -1}, ["first", "-1", "0 to 1000"]),
        ({"last": -5}, ["last", "-5", "0 to 1000"]),
        ({"first": 1001}, ["first", "1001", "1000"]),
        ({"last": 1001}, ["last", "1001", "1000"]),
        ({"after": "nonsense"}, ["after", "nonsense", "cursor"]),
        ({"before": ""}, ["before", "cursor"]),
        ({"after": "é"}, ["after", "cursor"]),
        ({"after": "x" * 10_000}, ["after", "cursor"]),
    ],
    ids=str,
)
def test_a_page_that_can_not_be_is_refused_with_its_reason(
    sample_gateway: Gateway, arguments: dict[str, Any], mentioned: list[str]
) -> None:
    code, message = sample_gateway.refused(PAGE, **arguments)
    assert code == "BAD_USER_INPUT"
    assert all(word in message for word in mentioned), message


def test_a_cursor_of_another_order_is_refused_and_both_orders_are_named(
    sample_gateway: Gateway,
) -> None:
    cursor = _page(sample_gateway, first=1)["pageInfo"]["endCursor"]
    order_by = [{"field": "STATE"}]
    code, message = sample_gateway.refused(PAGE, after=cursor, orderBy=order_by)
    assert code == "BAD_USER_INPUT"
    assert "created_on desc" in message
    assert "state desc" in message


def test_a_cursor_with_any_character_changed_is_refused(sample_gateway: Gateway) -> None:
    cursor = _page(sample_gateway, first=1)["pageInfo"]["endCursor"]
    for place, character in enumerate(cursor):
        for other in {"A", "B", "-", "_"} - {character}:
            changed = cursor[:place] + other + cursor[place + 1 :]
            code, _ = sample_gateway.refused(PAGE, after=changed)
            assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + "A", lambda c: c + "="])
def test_a_cursor_that_is_longer_or_shorter_is_refused(
    sample_gateway: Gateway, change: Callable[[str], str]
) -> None:
    cursor = _page(sample_gateway, first=1)["pageInfo"]["endCursor"]
    assert sample_gateway.refused(PAGE, after=change(cursor))[0] == "BAD_USER_INPUT"


@dataclass
class Pager:
    """Someone who pages through the list, and what they saw."""

    order_by: OrderBy
    size: int
    forward: bool
    alive: set[str]
    cursor: str | None = None
    position: ExecutionRow | None = None
    seen: list[str] = field(default_factory=list)
    finished: bool = False


_rows = st.builds(
    ExecutionRow,
    id=st.just(0),
    guid=st.just(""),
    agentflow_id=st.sampled_from(["flow-a", "flow-b", "flow-gone"]),
    agentflow_name=st.none(),
    session_id=st.none() | st.sampled_from(["session-1", "session-2"]),
    state=st.sampled_from([state.value for state in ExecutionState][:3]),
    created_on=st.integers(START, START + 5),
    updated_on=st.integers(START, START + 5),
    finished_on=st.integers(START - 2, START + 5),
    workspace_id=st.none() | st.just("workspace"),
    error=st.none() | st.just("error"),
).map(as_kept)


class ManyPagers(RuleBasedStateMachine):
    """Pagers in several orders, both ways, over a list that others write to."""

    gateway: Gateway

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, ExecutionRow] = {}
        self.pagers: list[Pager] = []
        self.next_id = 1

    @initialize(rows=st.lists(_rows, max_size=12))
    def begin(self, rows: list[ExecutionRow]) -> None:
        self.gateway.sql("DELETE FROM executions")
        for row in rows:
            self.insert(row)

    @rule(row=_rows)
    def insert(self, row: ExecutionRow) -> None:
        # Ids need not come in the order of time.
        row = row._replace(id=(self.next_id * 37) % 1009, guid=f"guid-{self.next_id}")
        self.next_id += 1
        self.gateway.insert([row])
        self.rows[row.guid] = row

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.rows:
            guid = data.draw(st.sampled_from(sorted(self.rows)))
            self.gateway.sql("DELETE FROM executions WHERE guid = ?", guid)
            del self.rows[guid]
            self._forget(guid)

    @rule(data=st.data(), state=st.sampled_from(list(ExecutionState)), at=st.integers(0, 9))
    def update(self, data: st.DataObject, state: ExecutionState, at: int) -> None:
        if self.rows:
            guid = data.draw(st.sampled_from(sorted(self.rows)))
            self.gateway.sql(
                "UPDATE executions SET state = ?, updated_on = ? WHERE guid = ?",
                state.value,
                START + at,
                guid,
            )
            # A time that is set to what it was is no time that was set, and moves to now.
            [(updated_on, finished_on)] = self.gateway.sql(
                "SELECT updated_on, finished_on FROM executions WHERE guid = ?", guid
            )
            changed = self.rows[guid]._replace(
                state=state.value, updated_on=updated_on, finished_on=finished_on
            )
            self.rows[guid] = as_kept(changed)
            self._forget(guid)

    def _forget(self, guid: str) -> None:
        for pager in self.pagers:
            pager.alive.discard(guid)

    @rule(order_by=st.sampled_from(ORDERS), size=st.integers(1, 4), forward=st.booleans())
    def start_paging(self, order_by: OrderBy, size: int, *, forward: bool) -> None:
        self.pagers.append(Pager(order_by, size, forward, alive=set(self.rows)))

    @rule(data=st.data())
    def turn_page(self, data: st.DataObject) -> None:
        waiting = [pager for pager in self.pagers if not pager.finished]
        if not waiting:
            return
        pager = data.draw(st.sampled_from(waiting))
        if pager.forward:
            window = {"first": pager.size, "after": pager.cursor}
        else:
            window = {"last": pager.size, "before": pager.cursor}
        page = _page(self.gateway, orderBy=pager.order_by, **window)
        rest, behind = self._around(pager)
        expected = rest[: pager.size] if pager.forward else rest[-pager.size :]
        assert _guids(page) == [row.guid for row in expected]
        more, before = page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]
        assert (more, before)[:: 1 if pager.forward else -1] == (len(rest) > pager.size, behind)
        pager.seen += _guids(page)
        if expected:
            pager.position = expected[-1 if pager.forward else 0]
            pager.cursor = page["pageInfo"]["endCursor" if pager.forward else "startCursor"]
        if len(rest) <= pager.size:
            pager.finished = True
            # Whatever was there all the time, unchanged, was seen once.
            for guid in pager.alive:
                assert pager.seen.count(guid) == 1

    def _around(self, pager: Pager) -> tuple[list[ExecutionRow], bool]:
        """What lies ahead of a pager, and whether anything lies behind."""
        rows = list(self.rows.values())
        if pager.position is None:
            return ordered(rows, pager.order_by), False
        # The position is where a row was when it was seen, wherever that row is now.
        compare, mark = comparison(pager.order_by), pager.position
        direction = 1 if pager.forward else -1
        ahead = [row for row in rows if compare(row, mark) * direction > 0]
        return ordered(ahead, pager.order_by), len(ahead) < len(rows)


def test_many_pagers_see_what_the_reference_says_while_others_write(gateway: Gateway) -> None:
    run_state_machine_as_test(
        type("ManyPagers", (ManyPagers,), {"gateway": gateway}),
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None),
    )
