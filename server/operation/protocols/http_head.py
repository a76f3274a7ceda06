"""The head of a request: its first line and its headers, parsed strictly (RFC 9112)."""

from typing import Any

import httptools

from server.http.hosts import split_host
from server.operation.protocols.http_framing import MalformedRequest, content_length

MOST_HEADERS = 100

_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_VERSIONS = {b" HTTP/1.1": b"1.1", b" HTTP/1.0": b"1.0"}
_SCHEMES = (b"http", b"https")
_LONGEST_METHOD = 32
_LONGEST_KEPT = 2_048


class TooManyHeaders(MalformedRequest):
    """The head has more headers than allowed."""


class Head:
    """Parses one complete head after the other.

    After ``read`` the attributes describe the head: ``method``, the ``target`` as it was sent, its
    ``path`` and ``query``, ``version``, ``headers`` with names in lower case, ``fields`` (the
    headers that say where the request goes and where it ends), and the ``length`` of the body,
    which is None for a chunked one. Clients repeat the same head byte for byte, so its result is
    kept.
    """

    __slots__ = (
        "_is_complete",
        "_is_known",
        "_known",
        "_parser",
        "_repeated",
        "fields",
        "headers",
        "keeps_alive",
        "length",
        "method",
        "offers_upgrade",
        "path",
        "query",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self._parser: httptools.HttpRequestParser | None = None
        self._is_complete = self._is_known = False
        self._known = b""
        self.version = b""
        self.method = self.target = self.path = self.query = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.fields: dict[bytes, bytes] = {}
        self.keeps_alive = self.offers_upgrade = False
        self.length: int | None = 0
        self._repeated: bytes | None = None

    def repeated_in(self, received: bytes) -> int:
        """Return the length of the same head at the start of ``received``, or 0."""
        if self._known and received.startswith(self._known):
            self._is_known = True
            return len(self._known)
        return 0

    def read(self, head: bytes) -> None:
        """Parse a head, up to the empty line that ends it.

        Raises MalformedRequest if it is not HTTP/1.1 or 1.0, has an invalid Host, or does not say
        unambiguously where the body ends.
        """
        self._is_known, self._known = False, b""
        self._read(head)
        if len(head) <= _LONGEST_KEPT:
            self._known = head

    def _read(self, head: bytes) -> None:
        lines = head.count(b"\r\n")
        if head.count(b"\n") != lines or head.count(b"\r") != lines:
            raise MalformedRequest("lines must end with CR LF")
        if lines - 2 > MOST_HEADERS:
            raise TooManyHeaders(f"The head of a request must have at most {MOST_HEADERS} headers")
        end = head.find(b"\r\n")
        version = _VERSIONS.get(head[end - 9 : end])
        if version is None:
            raise MalformedRequest("the first line must end with HTTP/1.1 or HTTP/1.0")
        self.version = version
        self.target, self.headers, self.fields = b"", [], {}
        self._is_complete, self._repeated = False, None
        self._parse(head)
        if not self._is_complete:
            raise MalformedRequest("the head does not end where it should")
        if self._repeated is not None:
            raise MalformedRequest(f"{self._repeated.decode().title()} must be given once")
        self._read_target()
        self.length = content_length(self.fields, self.version)

    def pass_over(self, body: bytes) -> None:
        """Let the parser skip a whole body of the announced length."""
        if self._parser is not None and not self._is_known:
            self._parser.feed_data(body)

    def forget(self) -> None:
        """Parse the next head with a new parser; needed after a body that is not skipped."""
        self._parser = None

    def _parse(self, head: bytes) -> None:
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
            # Data behind a request that closes the connection does not concern the parser.
            self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            self._parser = None
        except httptools.HttpParserError as error:
            raise MalformedRequest(str(error)) from None

    def _read_target(self) -> None:
        host = self.fields.get(b"host")
        if host is None and self.version == b"1.1":
            raise MalformedRequest("a request must have a Host")
        if host is not None and split_host(host.strip(b" \t")) is None:
            raise MalformedRequest("Host must be a name or an address, and a port if there is one")
        if self.method == b"CONNECT":
            self.path, self.query = b"", b""
            return
        try:
            url = httptools.parse_url(self.target)
        except httptools.HttpParserInvalidURLError:
            raise MalformedRequest("the target must be a path or an http URL") from None
        self.path, self.query = url.path or b"/", url.query or b""
        if url.schema is not None or url.host is not None:
            self._take_host_of_target(url)

    def _take_host_of_target(self, url: Any) -> None:
        # RFC 9112, section 3.2.2: the Host is that of the URL, whatever else was sent.
        authority = self.target.split(b"/", 3)[2].split(b"?")[0].split(b"#")[0]
        if url.schema.lower() not in _SCHEMES or split_host(authority) is None:
            raise MalformedRequest("the target must be a path or an http URL")
        others = [header for header in self.headers if header[0] != b"host"]
        self.headers = [(b"host", authority), *others]

    # The parser's callbacks

    def on_url(self, url: bytes) -> None:
        """Add a part of the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        name = name.lower()
        self.headers.append((name, value))
        if name in _SINGLE:
            if name in self.fields:
                self._repeated = name
            self.fields[name] = value

    def on_headers_complete(self) -> None:
        """Read the parser's results before it is reset."""
        parser = self._parser
        if parser is not None:
            self.method = parser.get_method()
            self.keeps_alive = self.version == b"1.1" and parser.should_keep_alive()
            self.offers_upgrade = parser.should_upgrade()
            self._is_complete = True


def check_beginning(data: bytes) -> None:
    """Refuse the beginning of a head that can't become valid.

    Raises MalformedRequest.
    """
    if data.count(b"\n") != data.count(b"\r\n"):
        raise MalformedRequest("lines must end with CR LF")
    method = data[:_LONGEST_METHOD].split(b" ", 1)[0]
    if not method.replace(b"-", b"A").isalpha() or not method.isupper() or len(method) == 32:
        raise MalformedRequest("a request must begin with a method")
    end = data.find(b"\r\n")
    if end >= 0 and data[end - 9 : end] not in _VERSIONS:
        raise MalformedRequest("the first line must end with HTTP/1.1 or HTTP/1.0")
