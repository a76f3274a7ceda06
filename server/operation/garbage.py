"""Make Python's cyclic garbage collector run rarely."""

import gc

_ALLOCATIONS = 10_000
"""Allocations between two collections. A page of a thousand executions makes a few thousand
objects; Python's default is 700."""


def collect_rarely() -> None:
    """Raise the collector's threshold and exempt all present objects; call it after startup.

    Rows and responses form no cycles, so reference counting frees them. With its defaults the
    collector would run during each large page, and scan the schema and all modules again and
    again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
