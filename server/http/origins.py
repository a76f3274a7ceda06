"""Origins (RFC 6454) of web pages that may call the gateway.

HTTP, WebSocket and the guard all use the same ``Origins``.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import idna

from server.http.hosts import split_host

ANY = "*"

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LABEL = r"[a-z0-9_-]+"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*\.?")
_RIGHT = "https://app.example, https://*.app.example for its subdomains, or * for any"


class Origins:
    """A set of origins, normalised by ``normalized``; ``*`` means all origins."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(allowed)
        self.allow_any = ANY in self._allowed
        """Whether every origin is allowed."""
        self._below = [
            re.compile(re.escape(each).replace(r"\*", rf"{_LABEL}(\.{_LABEL})*", 1))
            for each in self._allowed
            if "://*." in each
        ]

    def __bool__(self) -> bool:
        """Whether the set has any origins."""
        return bool(self._allowed)

    def allow(self, origin: str | None) -> bool:
        """Whether the page that sent an ``Origin`` header may call the gateway.

        None, for a request without the header, is allowed only if all origins are.
        """
        if self.allow_any:
            return True
        if origin is None or "*" in origin:
            return False
        return origin in self._allowed or any(each.fullmatch(origin) for each in self._below)


def normalized(origin: str) -> str:
    """Write an origin as browsers do: lower case, Punycode, no default port, no trailing slash.

    A host may begin with ``*.``, for every name below it. Raises ValueError, which says what is
    wrong, for anything that no browser sends as an origin.
    """
    if origin == ANY:
        return ANY
    if origin == "null":
        raise ValueError("null is what a page of any site can be; use * for any")
    scheme = _SCHEME.match(origin)
    if scheme is None:
        raise ValueError(f"{origin!r} has no scheme; an origin is written {_RIGHT}")
    if scheme[1].lower() in ("ws", "wss"):
        raise ValueError(f"{origin!r} is of no page; an origin begins with https or http")
    try:
        parts = urlsplit(origin)
        port = parts.port
        host = _host(parts.netloc.rpartition("@")[2], parts.hostname or "")
    except ValueError as error:
        raise ValueError(f"{origin!r} is no origin ({error}); one is written {_RIGHT}") from None
    if "@" in parts.netloc or parts.path not in ("", "/") or "?" in origin or "#" in origin:
        raise ValueError(f"{origin!r} has more than a scheme, host and port: write {_RIGHT}")
    shown = "" if port is None or str(port) == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def is_same_origin(origin: bytes, host: bytes) -> bool:
    """Whether an ``Origin`` header is that of a page of the request's ``Host``.

    The scheme matters only for the default port, because a proxy may have terminated TLS.
    """
    scheme, _, authority = origin.partition(b"://")
    page, own = split_host(authority), split_host(host.strip(b" \t"))
    default = _DEFAULT_PORTS.get(scheme.decode("latin-1"))
    if page is None or own is None or default is None:
        return False
    return (page[0], page[1] or default) == (own[0], own[1] or default)


def _host(written: str, host: str) -> str:
    if written.startswith("["):
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    wildcard = "*." if host.startswith("*.") else ""
    if not host.isascii():
        try:
            host = wildcard + idna.encode(host.removeprefix(wildcard), uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(str(error)) from None
    if not _HOST.fullmatch(host):
        raise ValueError("its host is none")
    return host
