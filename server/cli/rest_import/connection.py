"""Ask a server for JSON over HTTP, with bounds on time and bytes.

``http.client`` follows no redirects, reads no ``.netrc`` and logs nothing, so that headers go where
this module sends them and nowhere else. It blocks, and runs in a thread.
"""

import asyncio
import contextlib
import email.utils
import http.client
import json
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from db.errors import GatewayError
from server.cli.rest_import.source import Source

_CHUNK = 1 << 16
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_FEW_TRIES = 3
_LONGEST_RETRY_AFTER = 3600.0
_GUID = re.compile(rb'"(?:gu)?id"\s*:\s*"([\x20\x21\x23-\x5b\x5d-\x7e]{1,200})"')


class ImportFailed(GatewayError):
    """The import can't go on; the message says why and what to do."""

    code = "SERVICE_UNAVAILABLE"


class TryAgain(Exception):
    """The server did not answer, or not as it should; the same request may work later.

    ``after`` is the number of seconds that the server asked to wait, if it did; ``most`` bounds the
    tries, where a reason is likely to last.
    """

    def __init__(self, reason: str, *, after: float | None = None, most: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.most = most


class BadRequest(Exception):
    """The server refuses a parameter of the request."""


class TooLarge(Exception):
    """The response has more bytes than the import reads; ``guid`` is the first that is in it."""

    def __init__(self, guid: str | None) -> None:
        super().__init__(guid)
        self.guid = guid


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the server may take, in seconds, and how large a response may be, in bytes."""

    connecting: float = 10.0
    silence: float = 120.0
    response: float = 600.0
    bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its JSON, its size in bytes, and the total that its headers tell, if any."""

    value: Any
    size: int
    total: str | None


class Connection:
    """A connection to the server of a source, made anew when it was lost."""

    def __init__(self, source: Source, bounds: Bounds) -> None:
        self._source = source
        self._bounds = bounds
        self._http: http.client.HTTPConnection | None = None
        self._tls = ssl.create_default_context() if source.is_secure else None

    async def get(self, query: str) -> Answer:
        """Ask for the list with a query.

        Raises TryAgain, BadRequest, TooLarge, or ImportFailed if asking again is no use. Cancelling
        the caller ends the request.
        """
        reading = asyncio.ensure_future(asyncio.to_thread(self._get, query))
        try:
            async with asyncio.timeout(self._bounds.response):
                return await asyncio.shield(reading)
        except TimeoutError:
            seconds = self._bounds.response
            raise TryAgain(f"The answer took longer than {seconds:g} seconds") from None
        finally:
            if not reading.done():
                self._abort()
                await asyncio.wait([reading])
            if not reading.cancelled():
                reading.exception()

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _abort(self) -> None:
        """End what a thread reads or writes on the connection."""
        open_socket = self._http.sock if self._http else None
        if open_socket is not None:
            with contextlib.suppress(OSError):
                # Below TLS, whose state belongs to the thread.
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def _get(self, query: str) -> Answer:
        target = f"{self._source.path}?{query}"
        try:
            for _ in range(_MOST_REDIRECTS):
                response = self._send(target)
                if response.status not in _REDIRECTS:
                    return self._read(response)
                target = self._redirected(target, response.getheader("Location"))
                self.close()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise ImportFailed(
                f"The certificate of {self._source.origin} is not valid: {error.verify_message}"
            ) from None
        except TimeoutError:
            self.close()
            raise TryAgain("The server does not answer in time") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise TryAgain(_reason(error)) from None
        except BaseException:
            self.close()
            raise
        raise ImportFailed(f"{self._source.origin} redirects more than {_MOST_REDIRECTS} times")

    def _send(self, target: str) -> http.client.HTTPResponse:
        is_reused = self._http is not None
        try:
            return self._sent(target)
        except (http.client.RemoteDisconnected, ConnectionError):
            # Servers close connections that nothing was sent on for a while.
            self.close()
            if not is_reused:
                raise
            return self._sent(target)

    def _sent(self, target: str) -> http.client.HTTPResponse:
        if self._http is None:
            self._http = self._connected()
        headers = {
            "Accept": "application/json",
            "User-Agent": "executions-gateway",
            **dict(self._source.headers),
        }
        self._http.request("GET", target, headers=headers)
        return self._http.getresponse()

    def _connected(self) -> http.client.HTTPConnection:
        host, port, timeout = self._source.host, self._source.port, self._bounds.connecting
        if self._tls is None:
            made = http.client.HTTPConnection(host, port, timeout=timeout)
        else:
            made = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        # From now on, a cancelled caller can end what the connection waits for.
        self._http = made
        made.connect()
        made.sock.settimeout(self._bounds.silence)
        return made

    def _redirected(self, target: str, location: str | None) -> str:
        origin = self._source.origin
        try:
            parts = urlsplit(urljoin(f"{origin}{target}", location or ""))
            place = (
                parts.scheme,
                parts.hostname,
                parts.port or {"https": 443}.get(parts.scheme, 80),
            )
        except ValueError:
            parts, place = SplitResult("", "", "", "", ""), ("", "", 0)
        scheme = "https" if self._source.is_secure else "http"
        if not location or place != (scheme, self._source.host, self._source.port):
            shown = f"{place[0]}://{place[1]}:{place[2]}" if place[1] else "an unknown place"
            raise ImportFailed(
                f"{origin} redirects to {shown}, where the headers must not be sent; if that is "
                "the right server, import from there"
            )
        return f"{parts.path or '/'}?{parts.query}"

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        status = response.status
        if status != 200:
            self.close()
            self._refuse(status, response.getheader("Retry-After"))
        coding = response.getheader("Content-Encoding", "identity")
        if coding.lower() != "identity":
            raise ImportFailed(
                f"{self._source.origin} sends a Content-Encoding that was not asked for"
            )
        body = self._body(response)
        if response.will_close:
            self.close()
        return Answer(self._parsed(body), len(body), response.getheader("X-Total-Count"))

    def _refuse(self, status: int, retry_after: str | None) -> None:
        origin = self._source.origin
        if status in _BUSY:
            raise TryAgain(f"The server answered {status}", after=_seconds(retry_after))
        if status >= 500:
            raise TryAgain(f"The server answered {status}", most=_FEW_TRIES)
        if status == 400:
            raise BadRequest
        if status in (401, 403):
            what = "credentials" if status == 401 else "more rights"
            raise ImportFailed(
                f"{origin} answered {status}: it wants {what}; send them in a header: "
                "--header 'Authorization: Bearer …', or --header @FILE"
            )
        if status == 404:
            raise ImportFailed(
                f"{origin} answered 404: it has no list at this path; "
                "a Flowise has it at /api/v1/executions"
            )
        raise ImportFailed(f"{origin} answered {status}")

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        is_too_large = (response.length or 0) > self._bounds.bytes
        while not is_too_large and (chunk := response.read1(_CHUNK)):
            chunks.append(chunk)
            size += len(chunk)
            is_too_large = size > self._bounds.bytes
        if is_too_large:
            beginning = chunks[0] if chunks else response.read1(_CHUNK)
            self.close()
            found = _GUID.search(beginning)
            raise TooLarge(found[1].decode() if found else None)
        if response.length:
            raise TryAgain("The connection was lost in the middle of an answer")
        # It is at its end; the connection takes the next request only when it is told so.
        response.close()
        return b"".join(chunks)

    def _parsed(self, body: bytes) -> Any:
        origin = self._source.origin
        if body[:1024].lstrip()[:1] not in (b"[", b"{"):
            raise ImportFailed(
                f"{origin} answered with no JSON; a Flowise has its list at /api/v1/executions"
            )
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise TryAgain("The server answered with broken JSON", most=_FEW_TRIES) from None


def _reason(error: Exception) -> str:
    # What other errors say may repeat what the server sent, which may repeat what it got.
    if isinstance(error, socket.gaierror):
        return "The host is unknown"
    if isinstance(error, ssl.SSLError):
        return "TLS failed; does the server speak https on this port?"
    if isinstance(error, OSError) and error.strerror:
        return f"The connection failed: {error.strerror}"
    if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead):
        return "The connection was lost in the middle of an answer"
    return "The server does not speak HTTP as it should"


def _seconds(retry_after: str | None) -> float | None:
    """Read a ``Retry-After`` header, a number of seconds or a date."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), _LONGEST_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(at - time.time(), 0.0), _LONGEST_RETRY_AFTER)
