"""Limit how many requests the gateway works on at the same time.

Too many at once would all be slow, and time out one after the other. A request takes a slot once
its key is checked and its body has arrived, so clients without a key and slow senders keep nobody
out.
"""

from collections.abc import Callable, Mapping

from starlette.types import Scope

from db.database import Metric
from db.errors import ServiceUnavailable

_SLOT = "gateway.slot"
"""The key in a request's scope for the limit that it holds a slot of."""
_HAD_SLOT = "gateway.had_slot"
"""The key in a request's scope that says it ever had a slot."""


class Overloaded(ServiceUnavailable):
    """The gateway works on as many requests as it may."""


class ConcurrencyLimit:
    """At most ``maximum`` of ``what`` at a time, as the setting ``setting`` says.

    Calls ``on_refused`` for each request that finds no free slot. With ``until_sent``, a request
    keeps its slot while the client reads the response; otherwise only until the response has to
    wait for the client.
    """

    def __init__(
        self,
        maximum: int,
        setting: str,
        what: str,
        on_refused: Callable[[], None],
        *,
        until_sent: bool = False,
    ) -> None:
        self._maximum = maximum
        self._setting = setting
        self._what = what
        self._on_refused = on_refused
        self.until_sent = until_sent
        self.taken = 0
        """The number of slots in use."""

    def metrics(self) -> list[Metric]:
        """Return the number of slots in use, by the setting."""
        return [
            Metric(
                "gateway_places_taken",
                "Places that requests have taken, of those that a setting allows.",
                {"limit": self._setting},
                lambda: self.taken,
            )
        ]

    def expect_free(self) -> None:
        """Raise Overloaded if no slot is free, before any work on a request."""
        if self.taken >= self._maximum:
            self._on_refused()
            raise Overloaded(
                f"The gateway works on {self._maximum} {self._what} already ({self._setting}); "
                "try again in a moment",
                limit=self._setting,
            )

    def acquire_for(self, scope: Scope) -> None:
        """Take a slot for a request that has none, until it is answered.

        Raises Overloaded if none is free.
        """
        if self.taken >= self._maximum:
            self.expect_free()
        self.taken += 1
        scope[_SLOT] = scope[_HAD_SLOT] = self

    def acquire(self) -> None:
        """Take a slot, to be released by ``release``. Raises Overloaded if none is free."""
        self.expect_free()
        self.taken += 1

    def release(self) -> None:
        """Release a slot."""
        self.taken -= 1


def had_slot(scope: Mapping[str, object]) -> bool:
    """Whether a request ever had a slot, which only those with a valid key get."""
    return _HAD_SLOT in scope


def release_slot(scope: Scope, *, is_sent: bool = True) -> None:
    """Release a request's slot, if it has one, when its response is ready or even sent."""
    limit: ConcurrencyLimit | None = scope.get(_SLOT)
    if limit is not None and (is_sent or not limit.until_sent):
        del scope[_SLOT]
        limit.taken -= 1
