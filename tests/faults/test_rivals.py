"""Several gateways and another program write the same executions: nobody wins twice."""

import threading
from collections import Counter

from tests.faults.programs import Clients, graphql, program, wait_until
from tests.faults.writes import assert_totals_are_true, fill
from tests.gateway import run_sql
from tests.places import Place

COUNT = 300
CLAIM = """mutation ($guid: ID!, $state: ExecutionState!) {
  updateExecution(guid: $guid, input: {state: $state, expectedState: INPROGRESS}) { __typename }
}"""


def test_an_execution_is_claimed_once_however_many_try(place: Place) -> None:
    fill(place, COUNT)
    won: Counter[str] = Counter()
    lock = threading.Lock()
    with program(place) as one, program(place) as another:
        urls = (one.url, another.url)
        turns = [0] * 8

        def claim(client: int) -> None:
            guid = f"g-{turns[client] % COUNT}"
            turns[client] += 1
            state = ("STOPPED", "ERROR")[client % 2]
            data = graphql(urls[client // 2 % 2], CLAIM, guid=guid, state=state)
            if data and data["updateExecution"]["__typename"] == "UpdateExecutionSuccess":
                with lock:
                    won[guid] += 1

        clients = Clients(8, claim)
        for number in range(0, COUNT, 3):
            with lock:
                taken = f"g-{number}"
            claimed = run_sql(
                place,
                "UPDATE executions SET state = 'TIMEOUT' WHERE guid = ?"
                " AND state = 'INPROGRESS' RETURNING guid",
                taken,
            )
            with lock:
                won.update(guid for (guid,) in claimed)
        wait_until(lambda: min(turns) > COUNT, 120)
        clients.stop()
        assert won == Counter({f"g-{number}": 1 for number in range(COUNT)})
        assert_totals_are_true(one.url, place)
        assert_totals_are_true(another.url, place)
