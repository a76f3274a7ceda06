"""Whatever clients do, each subscription over a WebSocket gets its events, and none is left."""

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.server.graphql.subscriptions.watchers import Watcher, now, value_of

_NAMES = st.sampled_from(("a", "b", "c"))
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("subscribe"), _NAMES),
        st.tuples(st.just("complete"), _NAMES),
        st.tuples(st.just("create"), st.integers(1, 30)),
        st.tuples(st.just("query"), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 20)),
        st.tuples(st.just("synchronize"), st.just(0)),
    ),
    max_size=25,
)
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, 'flow', 's', 'ERROR', 1700000000000)"
)
_FIELDS = """subscription ($filter: ExecutionFilter, $after: String) {
  executionEvents(filter: $filter, after: $after) { guid }
}"""
_numbers = itertools.count()


class _Client:
    """A client that knows what it may be told."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._watcher = Watcher(gateway.url)
        self._awaited: dict[str, list[str]] = {}
        """What each running subscription has still to be told."""
        self._ended: set[str] = set()
        """Completed subscriptions, of which something may be on its way."""
        self._queries: set[str] = set()

    def do(self, action: str, argument: Any) -> None:
        """Do something."""
        getattr(self, f"_{action}")(argument)

    def _subscribe(self, name: str) -> None:
        if name in self._awaited or name in self._ended:
            return
        self._watcher.subscribe(name, _FIELDS, after=now(self._gateway))
        self._awaited[name] = []

    def _complete(self, name: str) -> None:
        self._watcher.send("complete", id=name)
        if self._awaited.pop(name, None) is not None:
            self._ended.add(name)

    def expect(self, guids: list[str]) -> None:
        """Note what was created."""
        for awaited in self._awaited.values():
            awaited.extend(guids)

    def _query(self, _: int) -> None:
        name = f"q-{next(_numbers)}"
        self._watcher.subscribe(name, "{ __typename }")
        self._queries.add(name)

    def _read(self, count: int) -> None:
        for _ in range(min(count, sum(map(len, self._awaited.values())))):
            self._take(self._watcher.read())

    def _synchronize(self, _: int) -> None:
        for told in self._watcher.synchronize():
            self._take(told)
        self._ended.clear()

    def _take(self, told: Any) -> None:
        name, kind = told["id"], told["type"]
        if name in self._queries:
            if kind == "complete":
                self._queries.remove(name)
            return
        assert kind == "next", told
        if name in self._awaited:
            guid = told["payload"]["data"]["executionEvents"]["guid"]
            assert guid == self._awaited[name].pop(0)
        else:
            assert name in self._ended

    def finish(self) -> None:
        """Read all that is still to come, and nothing else."""
        while any(self._awaited.values()) or self._queries:
            self._take(self._watcher.read())
        self._synchronize(0)
        self._watcher.leave()
        self._watcher.__exit__()


def _create(gateway: Gateway, clients: list[_Client], count: int) -> None:
    guids = [f"g-{next(_numbers)}" for _ in range(count)]
    gateway.place.run(_INSERT, [(guid,) for guid in guids])
    for client in clients:
        client.expect(guids)


@given(actions=st.lists(_ACTIONS, min_size=1, max_size=3))
@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_subscription_gets_its_events_and_no_place_is_left_taken(
    gateway: Gateway, actions: list[list[tuple[str, Any]]]
) -> None:
    clients = [_Client(gateway) for _ in actions]
    for steps in itertools.zip_longest(*actions):
        for client, step in zip(clients, steps, strict=True):
            if step is not None and step[0] == "create":
                _create(gateway, clients, step[1])
            elif step is not None:
                client.do(*step)
    for client in clients:
        client.finish()
    places = 'gateway_places_taken{limit="max_subscriptions"}'
    wait_until(lambda: value_of(gateway, places) == 0)
