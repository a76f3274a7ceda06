"""How PostgreSQL writes events, and puts them into one order: its own part of a revision."""


def create_postgres_events() -> None:
    """Create the triggers that write events, and the ticks that order them."""
