"""The order of events on PostgreSQL: ticks, which are looks at which transactions have committed.

An event belongs to the first tick that sees its transaction as committed, and the events of one
tick are in the order of their ids. docs/decisions.md says why that is one order for everybody.
"""

from alembic import op

_CHANNEL = "gateway_events"
_WAKING_LOCK, _TICKING_LOCK = 0x6777_7761_6B65, 0x6777_7469_636B
_CLEANED_AT_ONCE = 50_000
_LARGEST = 2**63 - 1
_NOW = "floor(extract(epoch FROM clock_timestamp()) * 1000)"
# The end of an IF; a queue that is full would let the transaction fail.
_NOTIFY = f"pg_notification_queue_usage() < 0.5 THEN PERFORM pg_notify('{_CHANNEL}', ''); END IF;"


def wakes_gateways() -> str:
    """Return what wakes gateways once the transaction has committed.

    A transaction that notifies waits, when it commits, for all others that do. So of several that
    run at the same time only one notifies; what the others write is found by the looks of gateways.
    Nothing may fail because of this: a transaction that has notified can't be prepared for a
    two-phase commit, and can't commit while the queue of notifications is full.
    """
    return (
        "IF current_setting('max_prepared_transactions') = '0'"
        f" AND pg_try_advisory_xact_lock({_WAKING_LOCK}) AND {_NOTIFY}"
    )


def create_postgres_ticks(schema: str) -> None:
    """Create the table of ticks, with a first one, and the functions that make and read them.

    ``low`` and ``high`` enclose the ids of the events of transactions that began after the tick
    before. ``late`` are older transactions with events, which that tick saw in progress. ``system``
    tells clusters apart, and is 0 while the events of another one are being removed.
    """
    op.execute(
        f"CREATE TABLE {schema}event_ticks (id bigint PRIMARY KEY, snapshot pg_snapshot NOT NULL,"
        " low bigint, high bigint, late xid8[] NOT NULL DEFAULT '{}', noted_on bigint NOT NULL,"
        " system bigint NOT NULL)"
    )
    op.execute(
        f"INSERT INTO {schema}event_ticks (id, snapshot, noted_on, system)"
        f" SELECT 1, pg_current_snapshot(), {_NOW}, system_identifier FROM pg_control_system()"
    )
    settings = (
        f"SET search_path = pg_catalog, {schema.removesuffix('.')}, pg_temp"
        # A plan is kept from when the tables were small, and must not read all of them later.
        " SET enable_seqscan = off SET enable_bitmapscan = off"
    )
    op.execute(
        f"CREATE FUNCTION {schema}gateway_tick() RETURNS bigint LANGUAGE plpgsql"
        f" {settings} AS $$ {_TICK} $$"
    )
    op.execute(
        f"CREATE FUNCTION {schema}gateway_events_of(of_tick bigint, after_id bigint,"
        f" at_most bigint) RETURNS SETOF {schema}execution_events LANGUAGE plpgsql STABLE"
        f" {settings} AS $$ {_READ} $$"
    )


# The transactions that have ended since the last tick, as ranges: each that it saw in progress, and
# those that began later, between those in progress now. These are left out here, not filtered out
# of the events, because they may have written any number of events.
_ENDED = """
WITH now AS MATERIALIZED (SELECT pg_current_snapshot() AS snapshot),
ended AS MATERIALIZED (
    SELECT running AS low, (running::text::bigint + 1)::text::xid8 AS beyond, true AS is_late
    FROM now, pg_snapshot_xip(last.snapshot) AS running
    WHERE pg_visible_in_snapshot(running, now.snapshot)
    UNION ALL
    SELECT low::text::xid8, beyond::text::xid8, false
    FROM (
        SELECT running AS beyond,
               lag(running + 1, 1, pg_snapshot_xmax(last.snapshot)::text::bigint)
                   OVER (ORDER BY running) AS low
        FROM (
            SELECT running::text::bigint FROM now, pg_snapshot_xip(now.snapshot) AS running
            WHERE running >= pg_snapshot_xmax(last.snapshot)
            UNION ALL
            SELECT pg_snapshot_xmax(now.snapshot)::text::bigint FROM now
        ) AS later (running)
    ) AS between_them
    WHERE low < beyond
)"""
_LAST = "SELECT * INTO last FROM event_ticks ORDER BY id DESC LIMIT 1;"
_OF_RANGE = "FROM execution_events WHERE xid >= ended.low AND xid < ended.beyond"
_TICK = f"""
DECLARE
    this bigint := (SELECT system_identifier FROM pg_control_system());
    last event_ticks;
    made bigint;
    removed bigint;
BEGIN
    {_LAST}
    IF last.system = this AND NOT (
        {_ENDED}
        SELECT EXISTS (SELECT FROM ended CROSS JOIN LATERAL (SELECT {_OF_RANGE} LIMIT 1) AS event)
    ) THEN
        RETURN last.id;
    END IF;
    IF NOT pg_try_advisory_xact_lock({_TICKING_LOCK}) THEN
        RETURN NULL;
    END IF;
    -- Nobody can make ticks until this transaction ends, so the server ends it if nobody else does.
    PERFORM set_config('idle_in_transaction_session_timeout', '10s', true);
    -- Others may have made ticks until the lock was taken.
    {_LAST}
    IF last.system = this THEN
        {_ENDED},
        late AS (
            SELECT ended.low
            FROM ended CROSS JOIN LATERAL (SELECT {_OF_RANGE} LIMIT 1) AS event
            WHERE is_late
        ),
        later AS (
            SELECT min(event.id) AS low, max(event.id) AS high
            FROM ended CROSS JOIN LATERAL (SELECT id {_OF_RANGE}) AS event
            WHERE NOT is_late
        ),
        both_of AS (SELECT ARRAY(SELECT late.low FROM late ORDER BY 1) AS late)
        INSERT INTO event_ticks (id, snapshot, low, high, late, noted_on, system)
        SELECT last.id + 1, now.snapshot, later.low, later.high, both_of.late, {_NOW}, this
        FROM now, later, both_of
        WHERE later.low IS NOT NULL OR both_of.late <> '{{}}'
        -- A transaction with one snapshot for all of its statements may not see the last tick.
        -- With this clause it fails as it does whenever it has to be run again.
        ON CONFLICT DO NOTHING
        RETURNING id INTO made;
        IF made IS NULL THEN
            RETURN last.id;
        END IF;
        IF {_NOTIFY}
        RETURN made;
    END IF;
    -- This is a restored copy: the transactions of another cluster had other numbers. The place of
    -- every reader is gone at once, so nobody misses what is removed, in batches.
    IF last.system = 0 THEN
        DELETE FROM execution_events WHERE id IN (
            SELECT id FROM execution_events ORDER BY id LIMIT {_CLEANED_AT_ONCE}
        );
        GET DIAGNOSTICS removed = ROW_COUNT;
        IF removed = {_CLEANED_AT_ONCE} THEN
            RETURN NULL;
        END IF;
        made := last.id + 1;
    END IF;
    TRUNCATE event_ticks;
    INSERT INTO event_ticks (id, snapshot, noted_on, system)
    VALUES (
        coalesce(last.id, 0) + 1, pg_current_snapshot(), {_NOW},
        CASE WHEN made IS NULL THEN 0 ELSE this END
    );
    RETURN made;
END
"""
# The ids of transactions that were open for long may be far from those of others, so they are not
# found by a range of ids.
_READ = f"""
DECLARE
    this event_ticks;
    before pg_snapshot;
BEGIN
    SELECT * INTO this FROM event_ticks WHERE id = of_tick;
    SELECT snapshot INTO before FROM event_ticks WHERE id < of_tick ORDER BY id DESC LIMIT 1;
    RETURN QUERY SELECT * FROM (
        (
            SELECT * FROM execution_events
            WHERE id > after_id AND id >= this.low AND id <= this.high
                AND pg_visible_in_snapshot(xid, this.snapshot)
                AND NOT pg_visible_in_snapshot(xid, before)
                AND xid <> ALL (this.late)
            ORDER BY id LIMIT at_most
        )
        UNION ALL
        (
            SELECT event.* FROM unnest(this.late) AS writer CROSS JOIN LATERAL (
                SELECT * FROM execution_events
                WHERE (xid, id) > (writer, after_id) AND (xid, id) <= (writer, {_LARGEST})
                ORDER BY xid, id LIMIT at_most
            ) AS event
        )
    ) AS found ORDER BY id LIMIT at_most;
END
"""
