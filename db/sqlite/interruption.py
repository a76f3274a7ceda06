"""Interrupting what runs on a driver connection."""

import asyncio
from typing import Any

_interruptions: set[asyncio.Future[None]] = set()


def interrupt(driver: Any) -> None:
    """Interrupt what runs on a driver connection, from the loop that it belongs to."""
    # SQLite allows this from another thread; the driver's own coroutine only calls it.
    task = asyncio.ensure_future(driver.interrupt())
    _interruptions.add(task)
    task.add_done_callback(_interruptions.discard)
