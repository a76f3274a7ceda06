"""While no key is needed, accept only requests of programs and pages on this machine.

A gateway that listens on loopback can still be reached from elsewhere. A page of any site reaches
it through its reader's browser, under a name of its own that resolves to this machine (DNS
rebinding), and a proxy on this machine passes on what the world sends. Keys keep both out; until
one is needed, the Host, the headers of proxies and the Origin have to.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from db.errors import quote
from server.http.hosts import Hosts, is_loopback, split_host
from server.http.origins import Origins, is_same_origin

_PROBES = ("/healthz", "/readyz")
"""Served under any Host: probes use addresses, and learn only whether the gateway works."""
_MAKE_A_KEY = "make a key with: executions-gateway keys create NAME --scope read"
_PROXY_HEADERS = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-original-forwarded-for",
        b"x-original-host",
        b"x-envoy-external-address",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"cf-ray",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"x-azure-clientip",
    }
)
_READ_HEADERS = frozenset({b"host", b"origin", b"sec-fetch-site"})
_SAFE = ("GET", "HEAD", "OPTIONS")
_OTHER_SITES = (b"cross-site", b"same-site")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: 421 (RFC 9110, section 15.5.20) or 403."""

    status: int
    message: str


class Guard:
    """Refuses requests that may come from elsewhere while ``is_open`` says that no key is needed.

    ``allowed`` are Hosts that are accepted besides those of this machine; once a key is needed,
    others are refused only if ``allowed`` has any. ``on_loopback`` says that the gateway is for
    this machine alone; on another address, ``GATEWAY_AUTH=off`` has opened it to the network and to
    any proxy there. Pages of other ``origins`` are refused in both cases.
    """

    def __init__(
        self,
        allowed: Hosts,
        origins: Origins,
        is_open: Callable[[], bool],
        *,
        on_loopback: bool,
        keys_are_off: bool,
    ) -> None:
        self._allowed = allowed
        self._origins = origins
        self._is_open = is_open
        self._on_loopback = on_loopback
        self._hint = (
            "name its Host in GATEWAY_ALLOWED_HOSTS, or unset GATEWAY_AUTH and " + _MAKE_A_KEY
            if keys_are_off
            else _MAKE_A_KEY
        )

    def refusal(self, scope: Scope) -> Refusal | None:
        """Return why an HTTP request or a WebSocket is refused, or None if it is accepted."""
        is_open = self._is_open()
        if not (is_open or self._allowed) or scope["path"] in _PROBES:
            return None
        found: dict[bytes, bytes] = {}
        proxy = None
        for name, value in scope["headers"]:
            if name in _READ_HEADERS:
                found[name] = value
            elif name in _PROXY_HEADERS or name.startswith(b"x-forwarded"):
                proxy = name
        if not is_open:
            return None if scope["path"] == "/metrics" else self._check_host(found, is_open=False)
        return (
            (self._check_host(found, is_open=True) or self._check_proxy(proxy))
            if self._on_loopback or self._allowed
            else None
        ) or self._check_page(scope, found)

    def _check_host(self, found: dict[bytes, bytes], *, is_open: bool) -> Refusal | None:
        # Only HTTP/1.0 allows no Host, and neither browsers nor proxies leave it out.
        host = found.get(b"host")
        if host is None:
            return None
        name = (split_host(host.strip(b" \t")) or ("", ""))[0]
        if is_loopback(name) or self._allowed.allow(name):
            return None
        shown = quote(host.decode("latin-1"))
        if not is_open:
            return Refusal(421, f"The gateway is not called {shown} (GATEWAY_ALLOWED_HOSTS)")
        return Refusal(
            421,
            f"No key is needed here, so only calls to this machine are answered, such as to "
            f"localhost, and none to {shown}; {self._hint}",
        )

    def _check_proxy(self, header: bytes | None) -> Refusal | None:
        if header is None or not self._on_loopback:
            return None
        return Refusal(
            421,
            "No key is needed here, so nothing is answered that comes through a proxy (it has the "
            f"header {header.decode('latin-1').title()}); {_MAKE_A_KEY}",
        )

    def _check_page(self, scope: Scope, found: dict[bytes, bytes]) -> Refusal | None:
        # A page can't read the responses to these methods, unless CORS allows it.
        if scope.get("method") in _SAFE:
            return None
        origin = found.get(b"origin")
        if origin is None:
            if found.get(b"sec-fetch-site") not in _OTHER_SITES:
                return None
        elif is_same_origin(origin, found.get(b"host", b"")) or (
            scope["type"] == "http" and _is_local_origin(origin)
        ):
            return None
        if self._origins.allow(None if origin is None else origin.decode("latin-1")):
            return None
        return Refusal(
            403,
            "A page of another origin may not call the gateway; allow it with GATEWAY_CORS_ORIGINS",
        )


def _is_local_origin(origin: bytes) -> bool:
    """Whether an origin is that of a program or a development server on this machine.

    Browsers send a preflight before a page of another port can send anything but a form.
    """
    scheme, separator, authority = origin.partition(b"://")
    if not separator:
        return False
    if scheme not in (b"http", b"https", b"file"):
        return True
    name, _ = split_host(authority) or ("", "")
    return is_loopback(name)
