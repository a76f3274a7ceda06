"""How many examples the tests that draw their input take."""

from hypothesis import settings

THOROUGH = "thorough"
_LESS = 5


def examples(count: int) -> int:
    """The ``count`` of `make test-load`, or a fifth of it.

    The fifth is drawn anew in each run, so that many runs find what one of them misses.
    """
    is_thorough = settings.get_current_profile_name() == THOROUGH
    return count if is_thorough else max(count // _LESS, 5)
