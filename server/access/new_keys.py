"""Look up keys that were created since all keys were last read.

Anyone can send invalid keys, so their cost to the database is limited: one statement at a time and
at most twenty a second, each for all keys that wait for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from db.bounded_store import BoundedStore
from db.database import Metric
from db.keys import Key

_Outcome = Key | Exception | None

_PAUSE = 0.05
_ABSENT_FOR = 0.5
_MOST_WAITING = 100
_BYTES = 200
_STORE_BYTES = 262_144


class NewKeys:
    """Looks up keys by their hashes, in batches that start at least ``pause`` seconds apart.

    ``find_many`` queries the database. At most a hundred hashes wait for the next batch; further
    ones count as unknown. A hash without a key is remembered for half a second.
    """

    def __init__(
        self,
        find_many: Callable[[Collection[str]], Awaitable[Sequence[Key]]],
        *,
        pause: float = _PAUSE,
    ) -> None:
        self._find_many = find_many
        self._pause = pause
        self._waiting: dict[str, asyncio.Future[_Outcome]] = {}
        self._under_way: dict[str, asyncio.Future[_Outcome]] = {}
        self._absent: BoundedStore[str, float] = BoundedStore(
            "unknown_keys", max_bytes=_STORE_BYTES
        )
        self._task: asyncio.Task[None] | None = None

    def metrics(self) -> list[Metric]:
        """Return the use of the store of unknown hashes."""
        return self._absent.metrics()

    async def find(self, hashed: str) -> Key | None:
        """Return the key with a hash, or None.

        Raises ServiceUnavailable if the database can't answer.
        """
        absent_until = self._absent.get(hashed)
        if absent_until is not None and time.monotonic() < absent_until:
            return None
        outcome = self._under_way.get(hashed) or self._waiting.get(hashed)
        if outcome is None:
            if len(self._waiting) >= _MOST_WAITING:
                return None
            outcome = self._waiting[hashed] = asyncio.get_running_loop().create_future()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
        # Others may wait for the same key: cancelling one of them must not cancel it.
        found = await asyncio.shield(outcome)
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """Stop looking up keys."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        while self._waiting:
            asked = self._under_way = self._waiting
            self._waiting = {}
            try:
                keys = {key.hash: key for key in await self._find_many(asked)}
            except Exception as error:  # noqa: BLE001 - the waiting callers raise it
                self._tell(dict.fromkeys(asked, error))
            else:
                absent_until = time.monotonic() + _ABSENT_FOR
                for hashed in asked.keys() - keys.keys():
                    self._absent.put(hashed, absent_until, _BYTES)
                self._tell({hashed: keys.get(hashed) for hashed in asked})
            finally:
                self._under_way = {}
                for outcome in asked.values():
                    outcome.cancel()
            # Keys that arrive meanwhile form the next batch.
            await asyncio.sleep(self._pause)

    def _tell(self, outcomes: dict[str, _Outcome]) -> None:
        for hashed, found in outcomes.items():
            outcome = self._under_way[hashed]
            if not outcome.done():
                outcome.set_result(found)
