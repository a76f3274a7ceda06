"""A cache of the most recently used entries, limited in bytes.

A limit on the number of entries would not help, because clients decide how large an entry is.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from db.database import Metric

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class BoundedStore(Generic[_Key, _Value]):
    """Keeps at most ``max_bytes`` bytes and ``max_entries`` entries, and drops the oldest.

    Entries come with their size in bytes, key included; an estimate will do, as long as it grows
    with what a client sent. An entry of more than a sixteenth of ``max_bytes`` is not kept, so that
    one client can't displace what all others use. ``name`` is the store's label in metrics. Not
    safe for several threads.
    """

    def __init__(self, name: str, *, max_bytes: int, max_entries: int = 10_000) -> None:
        self.name = name
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self._entries: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = 0

    def get(self, key: _Key) -> _Value | None:
        """Return the value of a key and mark it as the most recently used, or return None."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: _Key, value: _Value, size: int) -> None:
        """Store a value of ``size`` bytes, replacing the key's old value."""
        self.discard(key)
        if size > self.max_bytes // 16:
            return
        self._entries[key] = (value, size)
        self._bytes += size
        while self._bytes > self.max_bytes or len(self._entries) > self.max_entries:
            _, (_, freed) = self._entries.popitem(last=False)
            self._bytes -= freed

    def discard(self, key: _Key) -> None:
        """Remove the value of a key, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def kept_bytes(self) -> int:
        """The total size of the entries, in bytes."""
        return self._bytes

    def metrics(self) -> list[Metric]:
        """Return the store's size, and its hits and misses."""
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
