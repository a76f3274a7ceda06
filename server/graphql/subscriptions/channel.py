"""Channels: what subscriptions with the same filter and selection share."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from db.errors import ServiceUnavailable
from db.events.event import ExecutionEvent
from db.reading.filters import Condition, Filter, conditions_of, conjuncts, size_of
from db.reading.predicates import predicate
from db.source import ExecutionRow
from db.texts import NO_CHARACTER
from server.graphql.subscriptions.encoder import EventEncoder

if TYPE_CHECKING:
    from server.graphql.subscriptions.subscriber import Subscriber

_ANCHORS = ("guid", "session_id", "agentflow_id", "workspace_id")
"""The fields by which filters usually pick few executions, those that pick fewest first."""

_SHORT_BYTES = 4_096
"""Filters up to this size are always accepted."""
MAX_FILTER_BYTES = 64 * 2**20
"""How many bytes all filters may take, unless a setting says otherwise."""
# Measured: a condition with its predicate, and a value of a list.
_BYTES_OF_CONDITION = 1_200
_BYTES_OF_VALUE = 150

Anchor = tuple[str, str]
"""A field and its value, which an execution must have to match a filter."""


class TooManyFilters(ServiceUnavailable):
    """The filters of all subscriptions together are as long as they may be."""


class Channel:
    """A filter, in its normal form, and an encoder, with the ``live`` subscriptions to them."""

    def __init__(self, filter_: Filter, encoder: EventEncoder) -> None:
        self.filter = filter_
        self.encoder = encoder
        self.anchor = _anchor_of(filter_)
        self.live: dict[Subscriber, None] = {}
        self.users = 0
        """The number of its subscriptions, live or not."""
        self.weight = size_of(filter_)
        """How many conditions an event is compared with."""
        self.bytes = _bytes_of(filter_)
        self._matches = predicate(filter_)

    def match(self, event: ExecutionEvent) -> bool | None:
        """Whether the execution matches after a change; None if it did not before either."""
        matches = event.after is not None and self._matches(event.after)
        if matches or (event.before is not None and self._matches(event.before)):
            return matches
        return None


class Channels:
    """All channels, found by what an event is about.

    A filter that requires an execution's guid, session or agentflow is only compared with the
    events of that execution, session or agentflow: many subscriptions that watch one each cost no
    more than one that watches everything.
    """

    def __init__(self, max_filter_bytes: int) -> None:
        self._max_bytes = max_filter_bytes
        self._known: dict[tuple[object, Filter], Channel] = {}
        self._by_anchor: dict[Anchor | None, dict[Channel, None]] = {None: {}}
        self._bytes = 0

    def join(self, filter_: Filter, encoder: EventEncoder) -> Channel:
        """Return the channel of a filter and an encoder, for one more subscription.

        Raises TooManyFilters if the filters in use take too much memory with a long one.
        """
        key = encoder.key, filter_
        channel = self._known.get(key)
        if channel is None:
            channel = Channel(filter_, encoder)
            if channel.bytes > _SHORT_BYTES and self._bytes + channel.bytes > self._max_bytes:
                raise TooManyFilters(
                    f"The filters of all subscriptions take {self._max_bytes} bytes already "
                    "(max_filter_bytes); try again later, or with a shorter filter",
                    limit="max_filter_bytes",
                )
            self._bytes += channel.bytes
            self._known[key] = channel
            self._by_anchor.setdefault(channel.anchor, {})[channel] = None
        channel.users += 1
        return channel

    def leave(self, channel: Channel) -> None:
        """Forget a channel if that was its last subscription."""
        channel.users -= 1
        if channel.users:
            return
        del self._known[channel.encoder.key, channel.filter]
        self._bytes -= channel.bytes
        anchored = self._by_anchor[channel.anchor]
        del anchored[channel]
        if not anchored and channel.anchor is not None:
            del self._by_anchor[channel.anchor]

    def concerned(self, event: ExecutionEvent) -> Iterator[Channel]:
        """Yield the channels that an event may concern, each once."""
        for anchor in dict.fromkeys((None, *_anchors(event.before), *_anchors(event.after))):
            yield from tuple(self._by_anchor.get(anchor, ()))


def _anchors(row: ExecutionRow | None) -> Iterable[Anchor]:
    return () if row is None else [(field, getattr(row, field)) for field in _ANCHORS]


def _anchor_of(filter_: Filter) -> Anchor | None:
    found = {
        part.field: part.value
        for part in conjuncts(filter_)
        # A text with U+FFFD also means texts that are shown so.
        if isinstance(part, Condition)
        and part.operator == "eq"
        and part.field in _ANCHORS
        and NO_CHARACTER not in part.value
    }
    return next(((field, found[field]) for field in _ANCHORS if field in found), None)


def _bytes_of(filter_: Filter) -> int:
    """Estimate the memory that a filter takes with its predicate."""
    total = 0
    for condition in conditions_of(filter_):
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        texts = sum(len(value) for value in values if isinstance(value, str))
        total += _BYTES_OF_CONDITION + _BYTES_OF_VALUE * len(values) + 2 * texts
    return total
