"""Thread accounting by the system, which tells waiting for the disk from losing the processor."""

import resource
from typing import NamedTuple

_THREAD: int | None = getattr(resource, "RUSAGE_THREAD", None)


class ThreadUsage(NamedTuple):
    """A thread's processor time, and how often it has waited.

    A wait is for the disk or for a lock. Losing the processor to another program is none.
    """

    seconds: float
    waits: int


def thread_usage() -> ThreadUsage | None:
    """Return the usage of the current thread, or None if the system does not report it."""
    if _THREAD is None:
        return None
    used = resource.getrusage(_THREAD)
    return ThreadUsage(used.ru_utime + used.ru_stime, used.ru_nvcsw)
