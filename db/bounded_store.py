"""A store that keeps what was used last, bounded in bytes.

A bound on the number of entries bounds nothing where clients decide how large an entry is.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from db.database import Metric

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class BoundedStore(Generic[_Key, _Value]):
    """Keeps at most ``max_bytes`` bytes and ``max_entries`` entries; the least recently used go.

    Whoever adds an entry says how many bytes it takes, key included; an estimate is enough as
    long as it grows with what a client sent. An entry of more than a sixteenth of ``max_bytes``
    is not kept, so that one client can't push out what everybody else uses. ``name`` tells the
    store apart in metrics. Not safe for use by several threads.
    """

    def __init__(self, name: str, *, max_bytes: int, max_entries: int = 10_000) -> None:
        self.name = name
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self._entries: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = 0

    def get(self, key: _Key) -> _Value | None:
        """Return what is kept under a key, which is now the most recently used; else None."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: _Key, value: _Value, size: int) -> None:
        """Keep a value of ``size`` bytes in place of what the key had."""
        self.discard(key)
        if size > self.max_bytes // 16:
            return
        self._entries[key] = (value, size)
        self._bytes += size
        while self._bytes > self.max_bytes or len(self._entries) > self.max_entries:
            _, (_, freed) = self._entries.popitem(last=False)
            self._bytes -= freed

    def discard(self, key: _Key) -> None:
        """Keep what a key has no longer."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def kept_bytes(self) -> int:
        """How many bytes the entries take together."""
        return self._bytes

    def metrics(self) -> list[Metric]:
        """How full the store is, and how often it had what was asked for."""
        labels = {"store": self.name}
        return [
            Metric("gateway_store_bytes", "Bytes that stores hold.", labels, lambda: self._bytes),
            Metric(
                "gateway_store_max_bytes",
                "Bytes that stores may hold.",
                labels,
                lambda: self.max_bytes,
            ),
            Metric(
                "gateway_store_entries", "Entries in stores.", labels, lambda: len(self._entries)
            ),
            Metric(
                "gateway_store_lookups",
                "Look-ups in stores, by whether the entry was there.",
                {**labels, "result": "hit"},
                lambda: self._hits,
                is_counter=True,
            ),
            Metric(
                "gateway_store_lookups",
                "Look-ups in stores, by whether the entry was there.",
                {**labels, "result": "miss"},
                lambda: self._misses,
                is_counter=True,
            ),
        ]
