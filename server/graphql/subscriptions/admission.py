"""Which subscriptions may run: limits for all transports, and an end for those whose key ends."""

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from db.database import Metric
from db.errors import ServiceUnavailable
from db.keys import Scope
from server.access.authentication import (
    ANYONE,
    Authenticator,
    Forbidden,
    Principal,
    Unauthenticated,
)
from server.graphql.subscriptions.sink import EndCode, Ending, Sink

logger = logging.getLogger("gateway.subscriptions")

# The keys themselves are read again every 0.4 seconds.
_CHECK_SECONDS = 0.25
_CHECKED_AT_ONCE = 200
_BOUND_ANEW = Ending(
    EndCode.FORBIDDEN,
    "The key is bound to another workspace now; load the list and subscribe again",
)


class TooManySubscriptions(ServiceUnavailable):
    """As many subscriptions run as may."""


@dataclass(eq=False, slots=True)
class Place:
    """The place of a running subscription. Its transport must ``leave`` it when that ends.

    ``client`` is None if no key is needed.
    """

    sink: Sink
    authorization: str | None = field(repr=False)
    client: str | None
    workspace: str | None
    on_left: "Callable[[Place, EndCode | None], None] | None" = field(repr=False)

    def leave(self, code: EndCode | None = None) -> None:
        """Leave the place to others; ``code`` says why, unless the client ended it. Idempotent."""
        if self.on_left is not None:
            on_left, self.on_left = self.on_left, None
            on_left(self, code)


class Admission:
    """Admits subscriptions to a process: ``maximum`` in all, ``maximum_per_key`` for a key.

    While they run, their keys are authenticated again several times a second. Those whose key is
    revoked, expires, may not read any more or is bound to another workspace end within a second.
    """

    def __init__(self, authenticator: Authenticator, *, maximum: int, maximum_per_key: int) -> None:
        self._authenticator = authenticator
        self._maximum = maximum
        self._maximum_per_key = maximum_per_key
        self._taken = 0
        self._by_client: Counter[str] = Counter()
        self._by_authorization: dict[str | None, set[Place]] = {}
        self._ended = dict.fromkeys(EndCode, 0)
        self._checking: asyncio.Task[None] | None = None
        self._is_faulty = False

    def metrics(self) -> list[Metric]:
        """Return the number of places in use, and of subscriptions that the gateway has ended."""
        return [
            Metric(
                "gateway_places_taken",
                "Places that requests have taken, of those that a setting allows.",
                {"limit": "max_subscriptions"},
                lambda: self._taken,
            ),
            *(
                Metric(
                    "gateway_subscriptions_ended",
                    "Subscriptions that the gateway has ended, by the reason.",
                    {"code": code},
                    functools.partial(self._ended.__getitem__, code),
                    is_counter=True,
                )
                for code in EndCode
            ),
        ]

    def enter(self, authorization: str | None, principal: Principal, sink: Sink) -> Place:
        """Take a place for a subscription of an authenticated client.

        ``sink.end`` is called if the key ends; it must close the subscription and leave the place.
        Raises TooManySubscriptions, and Forbidden if the key may not read.
        """
        principal.require(Scope.READ)
        client = None if principal is ANYONE else principal.client.name
        if self._taken >= self._maximum:
            raise TooManySubscriptions(
                f"The gateway runs {self._maximum} subscriptions already (max_subscriptions); "
                "try again in a moment",
                limit="max_subscriptions",
            )
        if client is not None:
            if self._by_client[client] >= self._maximum_per_key:
                raise TooManySubscriptions(
                    f"This key has {self._maximum_per_key} subscriptions already "
                    "(max_subscriptions_per_key)",
                    limit="max_subscriptions_per_key",
                )
            self._by_client[client] += 1
        self._taken += 1
        place = Place(sink, authorization, client, principal.workspace, self._forget)
        self._by_authorization.setdefault(authorization, set()).add(place)
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_until_empty())
        return place

    def _forget(self, place: Place, code: EndCode | None) -> None:
        self._taken -= 1
        if code is not None:
            self._ended[code] += 1
        if place.client is not None:
            self._by_client[place.client] -= 1
            if not self._by_client[place.client]:
                del self._by_client[place.client]
        places = self._by_authorization[place.authorization]
        places.discard(place)
        if not places:
            del self._by_authorization[place.authorization]

    async def _check_until_empty(self) -> None:
        try:
            while self._by_authorization:
                await asyncio.sleep(_CHECK_SECONDS)
                await self._check()
        finally:
            self._checking = None

    async def _check(self) -> None:
        for number, authorization in enumerate(list(self._by_authorization), 1):
            if number % _CHECKED_AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                await self._check_key(authorization)
            except Exception:
                # Logged once: it recurs with every check until it is fixed.
                if not self._is_faulty:
                    logger.exception("The keys of subscriptions can't be checked")
                self._is_faulty = True
                return
        self._is_faulty = False

    async def _check_key(self, authorization: str | None) -> None:
        """End the subscriptions with an authorization that may not go on."""

        def end(ending: Ending, is_meant: Callable[[Place], bool] = lambda _: True) -> None:
            for place in filter(is_meant, tuple(self._by_authorization.get(authorization, ()))):
                with contextlib.suppress(Exception):
                    place.sink.end(ending)
                place.leave(ending.code)

        try:
            principal = await self._authenticator.authenticate(authorization)
            principal.require(Scope.READ)
        except Unauthenticated as error:
            end(Ending(EndCode.UNAUTHENTICATED, error.message))
        except Forbidden as error:
            end(Ending(EndCode.FORBIDDEN, error.message))
        except ServiceUnavailable:
            # There are no events meanwhile either: they are in the same database.
            return
        else:
            end(_BOUND_ANEW, lambda place: place.workspace != principal.workspace)
