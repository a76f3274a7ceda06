"""Places for requests that are worked on, of which there are only so many.

A request takes one when its key has been checked and its body is there, so that whoever has no key,
or sends slowly, keeps nobody out.
"""

from starlette.types import Scope

from db.errors import ServiceUnavailable

_PLACE = "gateway.place"


class Overloaded(ServiceUnavailable):
    """As many requests are under way as may be."""


class Places:
    """At most ``maximum`` requests at once; ``setting`` is the name of that limit.

    ``what`` says, for the message, what it works on.
    """

    def __init__(self, maximum: int, setting: str, what: str) -> None:
        self._maximum = maximum
        self._setting = setting
        self._what = what
        self.taken = 0

    def take(self, scope: Scope) -> None:
        """Take a place for a request, until ``leave``; Raises Overloaded when there is none."""
        if self.taken >= self._maximum:
            raise Overloaded(
                f"The gateway works on {self._maximum} {self._what} already ({self._setting}); "
                "try again in a moment",
                limit=self._setting,
            )
        self.taken += 1
        scope[_PLACE] = self

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1


def leave(scope: Scope) -> None:
    """Give back the place of a request, if it took one."""
    place: Places | None = scope.pop(_PLACE, None)
    if place is not None:
        place.leave()
