"""Triggers of engines that write executions when executions are written."""

import pytest

from tests.db.events.outbox import events_in, replay, rows_in
from tests.gateway import run_sql
from tests.places import PostgresPlace

pytestmark = pytest.mark.postgres

_INSERT = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
_WRITES = {
    "an insert": f"{_INSERT} ('d', 'flow-1', 'ERROR', 5), ('e', 'flow-1', 'INPROGRESS', 5)",
    "an update": "UPDATE executions SET state = 'ERROR'",
    "an update of the session": "UPDATE executions SET session_id = 'session-1'",
    "an upsert": f"{_INSERT} ('a', 'flow-1', 'ERROR', 5), ('d', 'flow-1', 'ERROR', 5)"
    " ON CONFLICT (guid) DO UPDATE SET state = 'ERROR'",
    "a new guid": "UPDATE executions SET guid = guid || '-2', state = 'ERROR'",
    "a delete": "DELETE FROM executions",
}
_REACTIONS = {
    "updates it": "UPDATE executions SET agentflow_id = 'flow-9' WHERE id = it.id",
    "changes its state": "UPDATE executions SET state = 'STOPPED' WHERE id = it.id",
    "takes it back": "UPDATE executions SET state = 'INPROGRESS' WHERE id = it.id",
    "updates it twice": "UPDATE executions SET agentflow_id = 'flow-8' WHERE id = it.id;"
    " UPDATE executions SET session_id = 'session-9' WHERE id = it.id",
    "deletes it": "DELETE FROM executions WHERE id = it.id",
    "deletes and writes it": "DELETE FROM executions WHERE id = it.id;"
    f" {_INSERT} (it.guid, 'flow-7', 'TIMEOUT', 7) ON CONFLICT DO NOTHING",
    "renames it": "UPDATE executions SET guid = guid || '-9' WHERE id = it.id",
    "writes it again": f"{_INSERT} (it.guid, 'flow-7', 'TIMEOUT', 7)"
    " ON CONFLICT (guid) DO UPDATE SET session_id = 'session-7'",
    "writes others": "UPDATE executions SET session_id = 'session-6' WHERE id <> it.id",
}


def _react(place: PostgresPlace, *reactions: str) -> None:
    """Create triggers of an engine, each of which fires for what the first one writes."""
    for number, reaction in enumerate(reactions):
        place.server.run(
            place.name,
            f"CREATE FUNCTION react_{number}() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE it executions := coalesce(NEW, OLD); BEGIN"
            f" IF pg_trigger_depth() <= {number + 1} THEN {reaction}; END IF; RETURN NULL; END $$",
            [()],
        )
        place.server.run(
            place.name,
            f"CREATE TRIGGER react_{number} AFTER INSERT OR UPDATE OR DELETE ON executions"
            f" FOR EACH ROW EXECUTE FUNCTION react_{number}()",
            [()],
        )


@pytest.mark.parametrize(
    "reactions",
    [
        *((name,) for name in _REACTIONS),
        ("updates it", "changes its state"),
        ("changes its state", "deletes it"),
        ("writes it again", "updates it twice"),
    ],
    ids=str,
)
@pytest.mark.parametrize("write", _WRITES)
def test_a_copy_that_follows_events_equals_the_table(
    place: PostgresPlace, write: str, reactions: tuple[str, ...]
) -> None:
    run_sql(place, f"{_INSERT} ('a', 'f', 'INPROGRESS', 1), ('b', 'f', 'ERROR', 2)")
    _react(place, *(_REACTIONS[name] for name in reactions))
    copy, last = rows_in(place), events_in(place)[-1].id
    run_sql(place, _WRITES[write])
    replay(events_in(place, last), copy)
    assert copy == rows_in(place)
