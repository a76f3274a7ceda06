"""ConcurrencyLimit for requests that are worked on, of which there are only so many.

Requests that pile up would all be slow, and time out one after the other. One takes a place when
its key has been checked and its body is there, so that whoever has no key, or sends slowly, keeps
nobody out.
"""

from collections.abc import Callable, Mapping

from starlette.types import Scope

from db.database import Metric
from db.errors import ServiceUnavailable

_TAKEN = "gateway.place"
"""Where the scope of a request has the places that it took one of."""
_HAD_PLACE = "gateway.had_place"
"""In the scope of a request that ever had one."""


class Overloaded(ServiceUnavailable):
    """As many requests are under way as may be."""


class ConcurrencyLimit:
    """At most ``maximum`` of ``what`` at once, which the limit ``setting`` says.

    ``on_refused`` is called for each that found no place. One that is ``until_sent`` is kept while
    the client reads the answer; another is given back as soon as that has to be waited for.
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
        """How many are taken."""

    def metrics(self) -> list[Metric]:
        """How many are taken, by the setting."""
        return [
            Metric(
                "gateway_places_taken",
                "ConcurrencyLimit that requests have taken, of those that a setting allows.",
                {"limit": self._setting},
                lambda: self.taken,
            )
        ]

    def expect_room(self) -> None:
        """Raise Overloaded if no place is free, before anything else is done for a request."""
        if self.taken >= self._maximum:
            self._on_refused()
            raise Overloaded(
                f"The gateway works on {self._maximum} {self._what} already ({self._setting}); "
                "try again in a moment",
                limit=self._setting,
            )

    def take(self, scope: Scope) -> None:
        """Take a place for a request, which has none yet, until it is answered.

        Raises Overloaded when none is free.
        """
        if self.taken >= self._maximum:
            self.expect_room()
        self.taken += 1
        scope[_TAKEN] = scope[_HAD_PLACE] = self

    def enter(self) -> None:
        """Take a place, to be given back by ``leave``. Raises Overloaded when none is free."""
        self.expect_room()
        self.taken += 1

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1


def had_place(scope: Mapping[str, object]) -> bool:
    """Whether a request ever had a place, which only those with a valid key get."""
    return _HAD_PLACE in scope


def leave_place(scope: Scope, *, is_sent: bool = True) -> None:
    """Give back the place of a request, if it has one, when its answer is there or even sent."""
    places: ConcurrencyLimit | None = scope.get(_TAKEN)
    if places is not None and (is_sent or not places.until_sent):
        del scope[_TAKEN]
        places.taken -= 1
