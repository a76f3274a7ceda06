"""What is said of what a well-behaved client can run into."""

from db.errors import quote


def not_found_message(guid: str) -> str:
    """No execution has this guid."""
    return f"Execution {quote(guid)} not found"


def conflict_message(state: object, expected: object) -> str:
    """An execution is in another state than expected."""
    return f"Execution is {state}, not {expected}; it was left as it is"
