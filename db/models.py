"""The tables, which are an interface too: engines write executions with plain SQL.

What must follow a plain INSERT, UPDATE or DELETE follows by triggers, in the same
transaction; they are made by the migrations.
"""

import enum

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text
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
"""How long guids, ids and names may be, in bytes of UTF-8."""
LARGEST_ID = 2**53
"""The largest number that a row may be given as its id, which is what JSON numbers hold exactly."""

_INTEGER = BigInteger().with_variant(Integer, "sqlite")
_STATES = ", ".join(f"'{state}'" for state in ExecutionState)


class Base(DeclarativeBase):
    """What the tables of the gateway have in common."""


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

    # SQLite ends every index with the row's id, so each of these also serves a tie on id.
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
        Index("executions_by_state_created_on", "state", "created_on"),
        Index("executions_by_agentflow_created_on", "agentflow_id", "created_on"),
        Index("executions_by_agentflow_state_created_on", "agentflow_id", "state", "created_on"),
        Index("executions_by_session_created_on", "session_id", "created_on"),
        # STRICT refuses a value of the wrong type; AUTOINCREMENT never gives an id twice.
        {"sqlite_strict": True, "sqlite_autoincrement": True},
    )


class Agentflow(Base):
    """A flow that executions name by its id. Renaming it shows at once on all of them."""

    __tablename__ = "agentflows"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_strict": True},)


class ExecutionCount(Base):
    """How many executions of each state were created in a bucket of time; see ``counts``.

    Times are epoch milliseconds. Triggers keep it with every write.
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
    """The same for the executions of each agentflow."""

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
    """What a plain INSERT OR REPLACE is about to replace; empty between two statements' rows."""

    __tablename__ = "replaced_executions"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    guid: Mapped[str] = mapped_column(Text)
    agentflow_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True},)


class ApiKey(Base):
    """A key that clients show. Times are epoch milliseconds; ``scopes`` are separated by spaces."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(_INTEGER, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[str] = mapped_column(Text)
    created_on: Mapped[int] = mapped_column(_INTEGER)
    expires_on: Mapped[int | None] = mapped_column(_INTEGER)
    last_used_on: Mapped[int | None] = mapped_column(_INTEGER)
    revoked_on: Mapped[int | None] = mapped_column(_INTEGER)

    __table_args__ = ({"sqlite_strict": True, "sqlite_autoincrement": True},)
