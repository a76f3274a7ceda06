"""The Host header: the name of the server that a request is for (RFC 9110, section 7.2)."""

import functools
import ipaddress
import re
from collections.abc import Iterable

import idna

_LONGEST = 261
"""A name of 255 characters, a colon, and a port."""
_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+))"
    r"(?::(?P<port>\d{0,5}))?",
    re.ASCII,
)


def split_host(value: bytes) -> tuple[str, str] | None:
    """Return the name, in lower case, and the port of a Host; None if it is invalid.

    The grammar is ``uri-host [ ":" port ]`` of RFC 9110; an IPv6 address keeps its brackets.
    """
    return _split_host(value) if len(value) <= _LONGEST else None


@functools.lru_cache(256)
def _split_host(value: bytes) -> tuple[str, str] | None:
    matched = _HOST.fullmatch(value.decode("latin-1"))
    if matched is None:
        return None
    address, name, port = matched["address"], matched["name"], matched["port"] or ""
    if port and int(port) > 65_535:
        return None
    if address is None:
        return str(name).lower(), port
    try:
        return f"[{ipaddress.IPv6Address(address)}]", port
    except ValueError:
        return None


class Hosts:
    """A set of hosts, normalised by ``normalized_host``; ``*`` means all hosts."""

    def __init__(self, allowed: Iterable[str]) -> None:
        names = frozenset(allowed)
        self._allows_any = "*" in names
        self._names = names
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))

    def __bool__(self) -> bool:
        """Whether the set has any hosts."""
        return bool(self._names)

    def allow(self, name: str) -> bool:
        """Whether the set has a name, given in lower case."""
        name = name.removesuffix(".")
        return self._allows_any or name in self._names or name.endswith(self._endings)


def is_loopback(name: str) -> bool:
    """Whether a name in lower case, or an address, always means this machine.

    A name that merely resolves to it does not: whoever owns the name decides that.
    """
    name = name.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def normalized_host(written: str) -> str:
    """Write a host as requests have it: lower case, Punycode, an IPv6 address in brackets.

    It may begin with ``*.``, for every name below it, or be ``*``. Raises ValueError, which says
    what is expected.
    """
    if written == "*":
        return written
    wildcard = "*." if written.startswith("*.") else ""
    name = written.removeprefix(wildcard).removesuffix(".").lower()
    try:
        name = f"[{ipaddress.IPv6Address(name.strip('[]'))}]"
    except ValueError:
        try:
            name = name if name.isascii() else idna.encode(name, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(f"not the name of a host: {error}; got {written!r}") from None
    found = split_host(name.encode())
    if found is None or found[1] or "*" in name or name.endswith(":"):
        raise ValueError(
            "must be names of hosts, without a scheme and a port: gateway.example, "
            f"*.gateway.example, 10.0.0.5, or * for any; got {written!r}"
        )
    return wildcard + found[0]
