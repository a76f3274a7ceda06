"""Messages for expected failures: not found, and conflict."""

from db.errors import quote


def not_found_message(guid: str) -> str:
    """Return the message that no execution has a guid."""
    return f"Execution {quote(guid)} not found"


def conflict_message(state: object, expected: object) -> str:
    """Return the message that an execution is in another state than expected."""
    return f"Execution is {state}, not {expected}; it was left as it is"
