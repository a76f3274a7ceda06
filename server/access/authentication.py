"""Who may do what: keys are checked here, for every edge alike.

A request shows ``Authorization: Bearer <key>``. The keys of the database are held in memory
and read anew more than once a second, so that checking one costs a hash and a look-up, and a
key that is revoked, in whichever process, opens nothing a second later. One that is not among them
is looked for before it is refused, so that a key works as soon as it was made.
"""

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import AsyncIterator
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
_RECORD_USE_AFTER = 30.0


class Unauthenticated(GatewayError):
    """The request shows no key, or one that opens nothing."""

    code = "UNAUTHENTICATED"


class Forbidden(GatewayError):
    """The key does not have the scope that the request needs."""

    code = "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do, and for whom the database is asked."""

    scopes: frozenset[Scope]
    client: Client

    def require(self, *needed: Scope) -> None:
        """Raise Forbidden unless every needed scope is there."""
        if self.scopes.issuperset(needed):
            return
        lacking = [scope for scope in needed if scope not in self.scopes]
        raise Forbidden(
            f"This needs a key with the scope {' and '.join(lacking)}; "
            f"yours has {', '.join(sorted(self.scopes)) or 'none'}"
        )


FULL_ACCESS = Access(EVERY_SCOPE, Client("anyone", may_write=True))
_NO_KEY: tuple[Key | None, Access] = (None, Access(frozenset(), Client("", may_write=False)))
_WRITING = frozenset({Scope.UPDATE, Scope.DELETE})


class Authenticator:
    """Admits requests by the keys of a database.

    ``required`` says whether a key is needed when none was ever made; ``enabled`` false admits
    everyone.
    """

    def __init__(self, keys: Keys, *, enabled: bool, required: bool) -> None:
        self._keys = keys
        self._enabled = enabled
        self._required = required
        self._known: dict[str, tuple[Key | None, Access]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._uses: dict[int, int] = {}
        self._new_keys = NewKeys(keys.find_many)

    def metrics(self) -> list[Metric]:
        """How full the stores are that clients fill."""
        return self._new_keys.metrics()

    def is_open(self) -> bool:
        """Whether everyone is admitted: keys are off, or none is needed until one is made."""
        return not self._enabled or not (self._known or self._required)

    async def authenticate(self, authorization: str | None) -> Access:
        """What the bearer of an Authorization header may do; the task goes on in its name.

        Raises Unauthenticated when it is missing, malformed, unknown, expired or revoked, and
        ServiceUnavailable when the keys can't be read.
        """
        access = await self._access(authorization) if self._enabled else FULL_ACCESS
        set_current_client(access.client)
        return access

    async def _access(self, authorization: str | None) -> Access:
        if time.monotonic() - self._read_at > _TRUSTED_FOR:
            await self._read()
        if not self._known and not self._required:
            return FULL_ACCESS
        hashed = hash_key(_token(authorization))
        key, access = self._known.get(hashed, _NO_KEY)
        if key is None:
            key = await self._new_keys.find(hashed)
            if key is not None:
                access = _access_of(key)
                self._known[hashed] = key, access
        if key is None or not hmac.compare_digest(key.hash, hashed):
            raise Unauthenticated("The key is not known here; check that it is whole")
        if key.revoked_on is not None:
            raise Unauthenticated("The key was revoked; ask for a new one")
        now = now_ms()
        if not key.is_valid(now):
            raise Unauthenticated("The key has expired; ask for a new one")
        self._uses[key.id] = now
        return access

    async def _read(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at <= _REREAD_AFTER:
                return
            began = time.monotonic()
            self._known = {key.hash: (key, _access_of(key)) for key in await self._keys.find_all()}
            self._read_at = began

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep the keys fresh, and note when they were used, while the block runs."""
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
        while True:
            await asyncio.sleep(_REREAD_AFTER)
            # A request that finds the keys too old reads them itself and says why it can't.
            try:
                await self._read()
            except ServiceUnavailable:
                pass
            except Exception:
                # Told once: it comes again every time, until somebody mends it.
                if not is_faulty:
                    logger.exception("The keys can't be read")
                is_faulty = True
            else:
                is_faulty = False
            if time.monotonic() - recorded_at > _RECORD_USE_AFTER:
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


def _access_of(key: Key) -> Access:
    return Access(
        key.scopes, Client(f"key {key.id}", may_write=not _WRITING.isdisjoint(key.scopes))
    )


def _token(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthenticated("Show a key: send the header Authorization: Bearer <key>")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The header Authorization must be: Bearer <key>")
    return token.strip()
