"""Repeat requests that failed, with growing pauses."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.cli.rest_import.answers import ImportFailed, TryAgain

_T = TypeVar("_T")
_MOST_TRIES = 10
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0

Notify = Callable[[str], None]


class Retries:
    """Repeats what raises TryAgain: ten times, or for as long as it takes with ``is_endless``."""

    def __init__(
        self,
        notify: Notify,
        *,
        is_endless: bool = False,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._notify = notify
        self._is_endless = is_endless
        self._sleep = sleep

    async def run(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Return the result of a request. Raises ImportFailed with the last reason."""
        tries = 0
        while True:
            try:
                return await request()
            except TryAgain as failure:
                tries += 1
                if not self._is_endless and tries >= (failure.most or _MOST_TRIES):
                    raise ImportFailed(f"{failure.reason}, {tries} times") from None
                # A server that asks for no pause again and again must not be asked without one.
                pause = max(failure.after or 0.0, _pause(tries))
                self._notify(f"{failure.reason}; trying again in {max(pause, 1):.0f} s")
                await self._sleep(pause)


def _pause(tries: int) -> float:
    # Several imports whose server was restarted must not ask it in step.
    longest: float = min(_FIRST_PAUSE * 2.0 ** min(tries - 1, 16), _LONGEST_PAUSE)
    return longest * random.uniform(0.75, 1.0)  # noqa: S311 - nothing to guess
