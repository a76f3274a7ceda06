"""Seal what a cursor says of events that its reader may not know of.

A position tells how many events there were, of all workspaces. Who is bound to one of them gets it
encrypted and authenticated with a key that only the database knows, the epoch of its outbox.
"""

import functools
import hashlib
import hmac
import struct

_TAG_BYTES = 12
_ROOM = 128
_LENGTHS = struct.Struct(">BH")


def seal(content: bytes, epoch: str, salt: bytes) -> bytes:
    """Encrypt a content. With the same salt, equal contents are equal when sealed.

    The length tells no more than in how many hundreds of bytes the content fits.
    """
    plain = _LENGTHS.pack(len(salt), len(content)) + salt + content
    plain += bytes(-len(plain) % _ROOM)
    tag = _tag(plain, epoch)
    return tag + _crypt(plain, tag, epoch)


def unseal(sealed: bytes, epoch: str) -> bytes | None:
    """Return what was sealed with this epoch; None if it was not."""
    tag, encrypted = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    plain = _crypt(encrypted, tag, epoch)
    if not plain or not hmac.compare_digest(_tag(plain, epoch), tag):
        return None
    salt, length = _LENGTHS.unpack_from(plain)
    begin = _LENGTHS.size + salt
    return plain[begin : begin + length]


def _crypt(text: bytes, tag: bytes, epoch: str) -> bytes:
    stream = hashlib.shake_256(_secret(epoch, b"encrypt") + tag).digest(len(text))
    mixed = int.from_bytes(text) ^ int.from_bytes(stream)
    return mixed.to_bytes(len(text))


def _tag(plain: bytes, epoch: str) -> bytes:
    return hashlib.blake2b(plain, key=_secret(epoch, b"sign"), digest_size=_TAG_BYTES).digest()


@functools.lru_cache(maxsize=16)
def _secret(epoch: str, use: bytes) -> bytes:
    return hashlib.blake2b(epoch.encode(), digest_size=32, person=use).digest()
