"""API keys: create, list, revoke. A key is shown once; only its hash is stored."""

import enum
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.errors import InvalidInput
from db.instants import now_ms
from db.models import LONGEST_TEXT_BYTES, ApiKey
from db.texts import NO_CHARACTER, shown

_PREFIX = "egw_"
_BYTES = 32
_LONGEST_NAME = 200


class Scope(enum.StrEnum):
    """What a key allows. No scope includes another."""

    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Key:
    """A stored key. Times are epoch milliseconds."""

    id: int
    name: str
    hash: str
    scopes: frozenset[Scope]
    created_on: int
    expires_on: int | None
    last_used_on: int | None
    revoked_on: int | None
    workspace: str | None
    """The one workspace that the key is bound to; None if it sees everything."""

    def is_valid(self, now: int) -> bool:
        """Whether the key is accepted at a time in epoch milliseconds."""
        return self.revoked_on is None and (self.expires_on is None or now < self.expires_on)


def hash_key(token: str) -> str:
    """Return the hash by which a key is stored and looked up."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


_COLUMNS = ApiKey.__table__.columns


def _key_of(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=shown(row.name),
        hash=row.hash,
        # Ignore unknown scopes, which a newer gateway may have stored.
        scopes=frozenset(scope for scope in Scope if scope in row.scopes.split()),
        created_on=row.created_on,
        expires_on=row.expires_on,
        last_used_on=row.last_used_on,
        revoked_on=row.revoked_on,
        workspace=row.workspace_id,
    )


class Keys:
    """The keys in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        expires_on: int | None = None,
        workspace: str | None = None,
    ) -> tuple[int, str]:
        """Create a key; return its id and the key itself, which is not stored.

        ``expires_on`` is in epoch milliseconds; None means never. A key that is bound to a
        ``workspace`` sees that workspace's executions alone.

        Raises InvalidInput if the name is empty, is not valid UTF-8, or has a null character or
        more than 200 characters; and if the workspace is such a text, or is too long to be one.
        """
        if not 1 <= len(name.strip()) <= _LONGEST_NAME or "\0" in name or not _is_utf8(name):
            raise InvalidInput.of(
                "name", name, f"a text of 1 to {_LONGEST_NAME} characters in UTF-8"
            )
        if workspace is not None and not _can_be_workspace(workspace):
            raise InvalidInput.of(
                "workspace",
                workspace,
                f"the id of a workspace, of 1 to {LONGEST_TEXT_BYTES} bytes in UTF-8; without one, "
                "the key sees the executions of all",
            )
        token = _PREFIX + secrets.token_urlsafe(_BYTES)
        values = {
            "name": name,
            "hash": hash_key(token),
            "scopes": " ".join(sorted(set(scopes))),
            "created_on": now_ms(),
            "expires_on": expires_on,
            "workspace_id": workspace,
        }

        async def work(connection: AsyncConnection) -> int:
            made = await connection.execute(insert(ApiKey).values(values).returning(ApiKey.id))
            return int(made.scalar_one())

        return await self._database.transact(work), token

    async def find_all(self) -> list[Key]:
        """Return all keys, also expired and revoked ones, oldest first."""
        rows = await self._database.fetch(select(*_COLUMNS).order_by(ApiKey.id))
        return [_key_of(row) for row in rows]

    async def find_many(self, hashes: Iterable[str]) -> list[Key]:
        """Return the keys with these hashes."""
        found = select(*_COLUMNS).where(ApiKey.hash.in_([*hashes]))
        return [_key_of(row) for row in await self._database.fetch(found)]

    async def revoke(self, key_id: int) -> bool:
        """Revoke a key; return False if there is no key with the id."""

        async def work(connection: AsyncConnection) -> bool:
            known = await connection.execute(select(ApiKey.id).where(ApiKey.id == key_id))
            if known.first() is None:
                return False
            await connection.execute(
                update(ApiKey)
                .where(ApiKey.id == key_id, ApiKey.revoked_on.is_(None))
                .values(revoked_on=now_ms())
            )
            return True

        return await self._database.transact(work)

    async def record_use(self, uses: Mapping[int, int]) -> None:
        """Store when keys were last used, in epoch milliseconds by id."""

        async def work(connection: AsyncConnection) -> None:
            for key_id, used_on in uses.items():
                await connection.execute(
                    update(ApiKey).where(ApiKey.id == key_id).values(last_used_on=used_on)
                )

        if uses:
            await self._database.transact(work)


def _can_be_workspace(text: str) -> bool:
    # A text with U+FFFD also means ids that are not UTF-8 and are shown so.
    return (
        bool(text.strip())
        and "\0" not in text
        and NO_CHARACTER not in text
        and _is_utf8(text)
        and len(text.encode()) <= LONGEST_TEXT_BYTES
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
