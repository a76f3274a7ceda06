"""Find out whether anybody still waits for the answer to a request.

A server offers this by an object whose method ``receive`` is ASGI's, and which also has
``is_over``.
"""

from collections.abc import Callable
from typing import Any

from starlette.types import Receive


def end_of(receive: Receive) -> Callable[[], bool]:
    """Return whether the client of a request has gone, or the server is stopping, as a function.

    It always returns False if the server does not tell.
    """
    is_over: Any = getattr(getattr(receive, "__self__", None), "is_over", None)
    return is_over or _never


def _never() -> bool:
    return False
