"""Work that the background does again and again, whatever goes wrong."""

import abc
import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from db.database import Metric
from db.errors import ServiceUnavailable
from db.leases import LeaseLost

logger = logging.getLogger("gateway.maintenance")


class Rounds(abc.ABC):
    """Does its work in rounds while ``running``, with pauses of ``pause`` seconds.

    The first round begins after ``first_pause`` seconds. ``name`` is that of the work, for the log.
    An exception ends a round, never the rounds: the pauses after failures grow, to
    ``longest_failure_pause`` seconds or the usual pause if that is longer.
    """

    longest_failure_pause = 600.0

    def __init__(self, name: str, pause: float, *, first_pause: float = 0.0) -> None:
        self._name = name
        self._pause = pause
        self._first_pause = first_pause
        self._is_stopping = asyncio.Event()

    @abc.abstractmethod
    def metrics(self) -> list[Metric]:
        """Return what this process has done."""

    @abc.abstractmethod
    async def _round(self) -> None:
        """Do what there is to do now; end early if ``_is_stopping`` is set."""

    def write_rarely(self, *, is_rare: bool) -> None:  # noqa: B027 - most have nothing to do
        """Write in few and large transactions, because each disturbs another program; or no longer.

        Does nothing where the work is not done in many transactions.
        """

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do rounds while the block runs; then finish the batch that is under way."""
        self._is_stopping = asyncio.Event()
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._is_stopping.set()
            await task

    async def _run(self) -> None:
        failures = 0
        is_logged = False
        if self._first_pause:
            await self._sleep(self._first_pause)
        while not self._is_stopping.is_set():
            try:
                await self._round()
            except LeaseLost:
                logger.info("Another process has taken over the %s", self._name)
            except ServiceUnavailable:
                # The database has logged why.
                failures += 1
            except (Exception, asyncio.CancelledError):
                # Something that the round waited for was cancelled, unless the rounds are.
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                failures += 1
                # Logged once: it recurs with every round until it is fixed.
                if not is_logged:
                    logger.exception("The %s failed; trying again later", self._name)
                is_logged = True
            else:
                failures = 0
                is_logged = False
            longest = max(self._pause, self.longest_failure_pause)
            await self._sleep(min(longest, self._pause * 2 ** min(failures, 20)))

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_stopping.wait(), seconds)
