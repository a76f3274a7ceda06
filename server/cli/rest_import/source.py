"""The server that an import reads from: its address, and the headers that are sent to it.

Headers hold credentials. Nothing here or elsewhere shows the value of one.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

from db.errors import InvalidInput, quote

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_PORTS = {"http": 80, "https": 443}
_FILTERS = ("agentflowId", "agentflowName", "sessionId")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "host", "te"}
    | {"transfer-encoding", "upgrade"}
)
_MOST_HEADER_BYTES = 65_536
_HEADER_FORM = "must be a name, a colon and a value, all in one pair of quotes: 'Authorization: …'"


def is_url(text: str) -> bool:
    """Whether an argument of the command is the address of a server, and no file."""
    return _URL.match(text) is not None


@dataclass(frozen=True, slots=True)
class Source:
    """A server's list of executions."""

    is_secure: bool
    host: str
    port: int
    path: str
    filters: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def of(cls, url: str, headers: Iterable[str] = ()) -> Self:
        """Read an address and headers as they were given on the command line.

        Raises InvalidInput for a scheme other than http and https, for credentials in the address,
        and for parameters other than filters.
        """
        scheme = url.partition(":")[0].lower()
        if scheme not in _PORTS:
            raise InvalidInput(
                f"{scheme}:// can't be imported, only http:// and https://; a file is given by its "
                "path"
            )
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS[scheme]
            host.encode("idna" if host else "ascii")
        except ValueError:
            raise InvalidInput(
                "The address is no valid URL, such as https://flowise.example/api/v1/executions"
            ) from None
        if parts.username is not None or parts.password is not None:
            raise InvalidInput(
                "An address must hold no credentials; send them in a header: "
                "--header 'Authorization: …'"
            )
        if not host or not url.isprintable() or " " in url or not url.isascii():
            raise InvalidInput(
                "The address must name a host, with other characters than ASCII percent-encoded"
            )
        return cls(
            is_secure=scheme == "https",
            host=host,
            port=port,
            path=parts.path or "/",
            filters=_filters(parts),
            headers=tuple(header for given in headers for header in _headers(given)),
        )

    @property
    def origin(self) -> str:
        """The scheme, host and port, as they are shown."""
        scheme = "https" if self.is_secure else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == _PORTS[scheme]
        return f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{self.port}"

    @property
    def name(self) -> str:
        """A name for this list as these credentials see it, from which nothing can be read."""
        said = repr((self.filters, sorted(self.headers))).encode()
        salt = f"{self.origin}{self.path}".encode()
        return hashlib.scrypt(said, salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def _filters(parts: SplitResult) -> tuple[tuple[str, str], ...]:
    given = tuple(parse_qsl(parts.query, keep_blank_values=True))
    for name, _ in given:
        if name not in _FILTERS:
            raise InvalidInput(
                f"The address may have the parameters {', '.join(_FILTERS)}; it has {quote(name)}"
            )
    if parts.fragment:
        raise InvalidInput("The address must have no #fragment")
    return given


def _headers(given: str) -> list[tuple[str, str]]:
    if not given.startswith("@"):
        return [_header(given)]
    name = given[1:]
    try:
        with Path(name).open("rb") as file:
            text = file.read(_MOST_HEADER_BYTES + 1).decode("latin-1")
    except OSError as error:
        raise InvalidInput(
            f"The file of --header can't be read: {error.strerror or 'unknown error'}"
        ) from None
    if len(text) > _MOST_HEADER_BYTES:
        raise InvalidInput(f"The file of --header has more than {_MOST_HEADER_BYTES:,} bytes")
    found = [_header(line) for line in text.splitlines() if line.strip()]
    if not found:
        raise InvalidInput("The file of --header is empty; it must have a header on each line")
    return found


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    # A message never shows what was given: it may be the credentials alone.
    if not colon or not _TOKEN.fullmatch(name) or not value:
        raise InvalidInput(f"--header {_HEADER_FORM}")
    if name.lower() in _OURS:
        raise InvalidInput(f"--header can't set {name}, which the import sets itself")
    if not _VALUE.fullmatch(value):
        raise InvalidInput(f"The value of --header {name} has characters that no header can have")
    return name, value
