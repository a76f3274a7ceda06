"""How often Python looks for garbage that refers to itself."""

import gc

_ALLOCATIONS = 10_000
"""A page of a thousand executions makes some thousand objects; Python's default is 700."""


def collect_rarely() -> None:
    """Look rarely, and never through what is there now; for a process that has just started.

    Rows and answers are freed without a search, as they refer to nothing that refers back. By
    default Python would search while each large page is made, and again and again through schema
    and modules, which stay.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
