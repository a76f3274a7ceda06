"""Hosts: what a request says it was sent to (RFC 9110, section 7.2)."""

import functools
import ipaddress
import re

_LONGEST = 261
"""A name of 255 characters, a colon, and a port."""
_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+))"
    r"(?::(?P<port>\d{0,5}))?",
    re.ASCII,
)


def split_host(value: bytes) -> tuple[str, str] | None:
    """Return the name, in lower case, and the port of a Host; None when it is none.

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
