"""The tables, which are an interface too: engines write executions with plain SQL.

Triggers, which the migrations create, keep everything else consistent after a plain INSERT, UPDATE
or DELETE, in the same transaction.
"""

import enum

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.instants import EARLIEST_MS, LATEST_MS


class ExecutionState(enum.StrEnum):
    """The six states of an execution."""

    INPROGRESS = "INPROGRESS"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    TERMINATED = "TERMINATED"
    TIMEOUT = "TIMEOUT"
    STOPPED = "STOPPED"


LONGEST_TEXT_BYTES = 10_000
"""The maximum length of guids, ids and names, in bytes of UTF-8."""
LONGEST_ERROR = 500
"""The maximum length of the error of an execution, in characters: an index has room for no more."""
LARGEST_ID = 2**53
"""The largest id of a row: larger integers are not exact as JSON numbers."""

_INTEGER = BigInteger().with_variant(Integer, "sqlite")
_STATES = ", ".join(f"'{state}'" for state in ExecutionState)


class Base(DeclarativeBase):
    """The base class of the tables."""


class Execution(Base):
    """One run of an agentflow. It outlives its agentflow, so no foreign key names it."""

    __tablename__ = "executions"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    guid: Mapped[str] = mapped_column(Text, unique=True)
    agentflow_id: Mapped[str] = mapped_column(Text)
    session_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)
    updated_on: Mapped[int | None] = mapped_column(_INTEGER)
    finished_on: Mapped[int | None] = mapped_column(
        _INTEGER,
        CheckConstraint(
            f"finished_on BETWEEN {EARLIEST_MS} AND {LATEST_MS}", name="executions_finished_on"
        ),
    )
    workspace_id: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(
        Text, CheckConstraint(f"length(error) <= {LONGEST_ERROR}", name="executions_error")
    )

    # SQLite appends the row's id to every index entry, so these also break ties by id.
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="executions_state"),
        CheckConstraint(
            f"created_on BETWEEN {EARLIEST_MS} AND {LATEST_MS}", name="executions_created_on"
        ),
        CheckConstraint(
            f"updated_on BETWEEN {EARLIEST_MS} AND {LATEST_MS}", name="executions_updated_on"
        ),
        Index("executions_by_created_on", "created_on"),
        Index("executions_by_updated_on", "updated_on"),
        Index("executions_by_finished_on", "finished_on"),
        Index("executions_by_duration", text("finished_on - created_on")),
        Index("executions_by_state_created_on", "state", "created_on"),
        Index("executions_by_agentflow_created_on", "agentflow_id", "created_on"),
        Index("executions_by_agentflow_state_created_on", "agentflow_id", "state", "created_on"),
        Index("executions_by_session_created_on", "session_id", "created_on"),
        Index(
            "executions_by_workspace_created_on",
            "workspace_id",
            "created_on",
            sqlite_where=text("workspace_id IS NOT NULL"),
        ),
        Index(
            "executions_by_workspace_agentflow_created_on",
            "workspace_id",
            "agentflow_id",
            "created_on",
            "id",
            "state",
            sqlite_where=text("workspace_id IS NOT NULL"),
        ),
        Index(
            "executions_by_error",
            "created_on",
            "id",
            "error",
            sqlite_where=text("error IS NOT NULL"),
        ),
        # STRICT rejects values of the wrong type; AUTOINCREMENT never reuses an id.
        {"sqlite_strict": True, "sqlite_autoincrement": True},
    )


class ExecutionData(Base):
    """The data that an engine records for an execution: the JSON text of a list of steps.

    It is deleted with its execution.
    """

    __tablename__ = "execution_data"

    execution_id: Mapped[int] = mapped_column(_INTEGER, primary_key=True, autoincrement=False)
    data: Mapped[str] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True},)


class Agentflow(Base):
    """A flow, which executions refer to by id. A new name shows on all of them at once."""

    __tablename__ = "agentflows"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("agentflows_by_name", "name", "id"), {"sqlite_strict": True})


class ExecutionCount(Base):
    """How many executions of each state were created in a bucket of time; see ``counts``.

    Times are epoch milliseconds. Triggers update it with every write.
    """

    __tablename__ = "execution_counts"

    width: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    start: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    inprogress: Mapped[int] = mapped_column(_INTEGER)
    finished: Mapped[int] = mapped_column(_INTEGER)
    error: Mapped[int] = mapped_column(_INTEGER)
    terminated: Mapped[int] = mapped_column(_INTEGER)
    timeout: Mapped[int] = mapped_column(_INTEGER)
    stopped: Mapped[int] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)


class AgentflowCount(Base):
    """The counts of ``ExecutionCount`` for each agentflow."""

    __tablename__ = "agentflow_counts"

    width: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    agentflow_id: Mapped[str] = mapped_column(Text, primary_key=True)
    start: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    inprogress: Mapped[int] = mapped_column(_INTEGER)
    finished: Mapped[int] = mapped_column(_INTEGER)
    error: Mapped[int] = mapped_column(_INTEGER)
    terminated: Mapped[int] = mapped_column(_INTEGER)
    timeout: Mapped[int] = mapped_column(_INTEGER)
    stopped: Mapped[int] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)


class ReplacedExecution(Base):
    """Rows that a write is about to replace if it is an OR REPLACE.

    They stay until the next write that might replace one.
    """

    __tablename__ = "replaced_executions"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    guid: Mapped[str] = mapped_column(Text)
    agentflow_id: Mapped[str] = mapped_column(Text)
    session_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)
    updated_on: Mapped[int | None] = mapped_column(_INTEGER)
    finished_on: Mapped[int | None] = mapped_column(_INTEGER)
    workspace_id: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True},)


class GivenTimes(Base):
    """The times that a write gives an execution even if they are what they were.

    Triggers of other programs may put a row in before they write the execution, and take it out
    after. Without it, a time that an update does not change is one that it does not set.
    """

    __tablename__ = "given_times"

    guid: Mapped[str] = mapped_column(Text, primary_key=True)
    updated_on: Mapped[int] = mapped_column(_INTEGER)
    finished_on: Mapped[int | None] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True},)


class LoggedEvent(Base):
    """A change of an execution, which triggers log in the same transaction; see ``events``.

    ``type`` is CREATED, UPDATED or DELETED. The execution is as it is after the change, or as it
    was last if it was deleted. The columns ``old_…`` are null unless it was UPDATED, and have it as
    it was before. An execution whose guid or workspace changes is DELETED and another one CREATED.
    On PostgreSQL, ``xid`` is the transaction, which triggers fill in.
    """

    __tablename__ = "execution_events"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    occurred_on: Mapped[int] = mapped_column(_INTEGER)
    execution_id: Mapped[int] = mapped_column(_INTEGER)
    guid: Mapped[str] = mapped_column(Text)
    agentflow_id: Mapped[str] = mapped_column(Text)
    session_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)
    updated_on: Mapped[int | None] = mapped_column(_INTEGER)
    finished_on: Mapped[int | None] = mapped_column(_INTEGER)
    old_execution_id: Mapped[int | None] = mapped_column(_INTEGER)
    old_agentflow_id: Mapped[str | None] = mapped_column(Text)
    old_session_id: Mapped[str | None] = mapped_column(Text)
    old_state: Mapped[str | None] = mapped_column(Text)
    old_created_on: Mapped[int | None] = mapped_column(_INTEGER)
    old_updated_on: Mapped[int | None] = mapped_column(_INTEGER)
    old_finished_on: Mapped[int | None] = mapped_column(_INTEGER)
    workspace_id: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    old_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True},)


class EventEpoch(Base):
    """The one random value that tells this log of events from any other database's."""

    __tablename__ = "event_epochs"

    epoch: Mapped[str] = mapped_column(Text, primary_key=True)

    __table_args__ = ({"sqlite_strict": True},)


class ApiKey(Base):
    """An API key. Times are epoch milliseconds; ``scopes`` are separated by spaces."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)
    expires_on: Mapped[int | None] = mapped_column(_INTEGER)
    last_used_on: Mapped[int | None] = mapped_column(_INTEGER)
    revoked_on: Mapped[int | None] = mapped_column(_INTEGER)
    workspace_id: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True, "sqlite_autoincrement": True},)


class Lease(Base):
    """Which process does a piece of work for all of them; see ``leases``.

    Times are epoch milliseconds by the database's clock.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    expires_on: Mapped[int] = mapped_column(_INTEGER)
    completed_on: Mapped[int | None] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True},)


class RestImport(Base):
    """How far the import of another server's list is; see ``writing.rest_imports``."""

    __tablename__ = "rest_imports"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    progress: Mapped[str] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True},)
