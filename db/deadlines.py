"""A shared timer for many deadlines of equal length.

A timer for each would cost more than most of the timed calls take.
"""

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable

logger = logging.getLogger("gateway.database")


class Deadlines:
    """Calls back ``seconds`` after ``start``, unless ``end`` is called before.

    A callback may be a millisecond or two late. Its exceptions are logged and don't affect others.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._numbers = itertools.count()
        self._under_way: OrderedDict[int, tuple[float, Callable[[], object]]] = OrderedDict()
        self._timer: asyncio.Handle | None = None

    def start(self, on_late: Callable[[], object]) -> int:
        """Start a deadline; return the number that ``end`` takes."""
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        at = loop.time() + self.seconds
        self._under_way[number] = (at, on_late)
        if self._timer is None:
            self._timer = loop.call_at(at, self._expire, loop)
        return number

    def end(self, number: int) -> bool:
        """Cancel a deadline; return False if it has passed already."""
        return self._under_way.pop(number, None) is not None

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._under_way:
            # The oldest deadline is the next, because all are equally long.
            number, (at, on_late) = next(iter(self._under_way.items()))
            if at > loop.time():
                self._timer = loop.call_at(at, self._expire, loop)
                return
            del self._under_way[number]
            try:
                on_late()
            except Exception:
                logger.exception("What took too long could not be ended")
            except BaseException:
                self._timer = loop.call_soon(self._expire, loop)
                raise

    def close(self) -> None:
        """Call nothing any more."""
        self._under_way.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
