"""Authenticate requests by their API key, for every edge alike.

A request has the header ``Authorization: Bearer <key>``. All keys are held in memory and read again
more than once a second, so that checking one costs a hash and a look-up, and a key that any process
revokes is refused a second later. An unknown key is looked up before it is refused, so that a new
key works at once.
"""

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from db.clients import Client, set_current_client
from db.database import Metric
from db.errors import GatewayError, ServiceUnavailable
from db.instants import now_ms
from db.keys import Key, Keys, Scope, hash_key
from server.access.new_keys import NewKeys

logger = logging.getLogger("gateway.access")

EVERY_SCOPE = frozenset(Scope)

_REREAD_AFTER = 0.4
_TRUSTED_FOR = 0.9
_LONGEST_PAUSE = 60.0
"""How rarely keys that can't be read are tried again, but for the requests that need them."""
_RECORD_USE_AFTER = 30.0
_RECORD_RARELY_AFTER = 3600.0


class Unauthenticated(GatewayError):
    """The request has no key, or an invalid one."""

    code = "UNAUTHENTICATED"


class Forbidden(GatewayError):
    """The key lacks the scope that the request needs."""

    code = "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the scopes that they have, and the client that the database knows.

    Whoever is bound to a ``workspace`` sees and changes nothing outside of it. ``name`` is that of
    their key; None if they need no key.
    """

    scopes: frozenset[Scope]
    client: Client
    workspace: str | None = None
    name: str | None = None

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has a scope."""
        if scope not in self.scopes:
            self.require_all((scope,))

    def require_all(self, needed: Collection[Scope]) -> None:
        """Raise Forbidden unless the key has all needed scopes."""
        if self.scopes.issuperset(needed):
            return
        lacking = [scope for scope in needed if scope not in self.scopes]
        raise Forbidden(
            f"This needs a key with the scope {' and '.join(lacking)}; "
            f"yours has {', '.join(sorted(self.scopes)) or 'none'}"
        )


ANYONE = Principal(EVERY_SCOPE, Client("anyone", may_write=True))
_NOBODY = Principal(frozenset(), Client("", may_write=False), workspace="")
_NO_KEY: tuple[Key | None, Principal] = (None, _NOBODY)
_WRITING = frozenset({Scope.UPDATE, Scope.DELETE})


class Authenticator:
    """Authenticates requests by the keys in a database.

    ``required`` says whether requests need a key even if none was ever created. If ``enabled`` is
    false, every request is accepted.
    """

    def __init__(self, keys: Keys, *, enabled: bool, required: bool) -> None:
        self._keys = keys
        self._enabled = enabled
        self._required = required
        self._known: dict[str, tuple[Key | None, Principal]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._uses: dict[int, int] = {}
        self._new_keys = NewKeys(keys.find_many)
        self.records_rarely = False
        """Whether the use of keys is recorded once an hour, and not every half minute."""

    def metrics(self) -> list[Metric]:
        """Return the use of the stores that clients fill."""
        return self._new_keys.metrics()

    def is_open(self) -> bool:
        """Whether every request is accepted: keys are off, or not needed before one is created."""
        return not self._enabled or not (self._known or self._required)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal of an Authorization header, and make it the task's client.

        Raises Unauthenticated if the key is missing, malformed, unknown, expired or revoked, and
        ServiceUnavailable if the keys can't be read.
        """
        principal = await self._identify(authorization) if self._enabled else ANYONE
        set_current_client(principal.client)
        return principal

    async def _identify(self, authorization: str | None) -> Principal:
        if time.monotonic() - self._read_at > _TRUSTED_FOR:
            await self._read()
        if not self._known and not self._required:
            return ANYONE
        hashed = hash_key(_token(authorization))
        key, principal = self._known.get(hashed, _NO_KEY)
        if key is None:
            key = await self._new_keys.find(hashed)
            if key is not None:
                principal = _principal_of(key)
                self._known[hashed] = key, principal
        if key is None or not hmac.compare_digest(key.hash, hashed):
            raise Unauthenticated("The key is not known here; check that it is whole")
        if key.revoked_on is not None:
            raise Unauthenticated("The key was revoked; ask for a new one")
        now = now_ms()
        if not key.is_valid(now):
            raise Unauthenticated("The key has expired; ask for a new one")
        self._uses[key.id] = now
        return principal

    async def _read(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at <= _REREAD_AFTER:
                return
            began = time.monotonic()
            self._known = {
                key.hash: (key, _principal_of(key)) for key in await self._keys.find_all()
            }
            self._read_at = began

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep the keys up to date, and record their use, while the block runs."""
        if not self._enabled:
            yield
            return
        await self._read()
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._new_keys.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._record_uses()

    async def _watch(self) -> None:
        recorded_at = time.monotonic()
        is_faulty = False
        failures = 0
        while True:
            await asyncio.sleep(min(_REREAD_AFTER * 2**failures, _LONGEST_PAUSE))
            # A request that finds the keys outdated reads them itself and reports the error.
            try:
                await self._read()
            except ServiceUnavailable:
                # The database has logged why.
                failures = min(failures + 1, 20)
            except Exception:
                # Logged once: it recurs with every attempt until it is fixed.
                if not is_faulty:
                    logger.exception("The keys can't be read")
                is_faulty = True
            else:
                is_faulty = False
                failures = 0
            pause = _RECORD_RARELY_AFTER if self.records_rarely else _RECORD_USE_AFTER
            if time.monotonic() - recorded_at > pause:
                recorded_at = time.monotonic()
                await self._record_uses()

    async def _record_uses(self) -> None:
        uses, self._uses = self._uses, {}
        try:
            await self._keys.record_use(uses)
        except ServiceUnavailable as error:
            logger.warning("When keys were last used could not be recorded: %s", error.message)
        except Exception:
            logger.exception("When keys were last used could not be recorded")


def _principal_of(key: Key) -> Principal:
    return Principal(
        key.scopes,
        Client(f"key {key.id}", may_write=not _WRITING.isdisjoint(key.scopes)),
        key.workspace,
        key.name,
    )


def _token(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthenticated("Show a key: send the header Authorization: Bearer <key>")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The header Authorization must be: Bearer <key>")
    return token.strip()
