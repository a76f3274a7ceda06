"""Where events stand in their one order."""

from typing import NamedTuple


class Position(NamedTuple):
    """The place of an event; what comes after it has a greater position.

    On SQLite, which has one writer at a time, ``tick`` is the event's id, and ``number`` is 0. On
    PostgreSQL, ``tick`` says in which look at the database its transaction was first seen to be
    committed, and ``number`` is the event's id, which orders the events of one tick. ``noted_on``
    is when the tick was made, in epoch milliseconds: after a restore, the same numbers mean other
    events, but not at the same time.
    """

    tick: int
    number: int
    noted_on: int


BEGINNING = Position(0, 0, 0)
"""The position before all events."""
