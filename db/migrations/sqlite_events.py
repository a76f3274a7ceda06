"""How SQLite writes events: its own part of a revision."""


def create_sqlite_events() -> None:
    """Create the triggers that write events."""
