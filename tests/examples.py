"""How many examples the tests that draw their input take."""

import os

from hypothesis import settings

THOROUGH = "thorough"
_LESS = 5


def examples(count: int) -> int:
    """The ``count`` of `make test-drawn` and `make test-load`, or a fifth of it.

    Where there is less time, EXAMPLES_PERCENT says how much of ``count`` these two take.
    What is taken is drawn anew in each run, so that many runs find what one of them misses.
    """
    if settings.get_current_profile_name() != THOROUGH:
        return max(count // _LESS, 5)
    return max(count * int(os.environ.get("EXAMPLES_PERCENT", "100")) // 100, 5)
