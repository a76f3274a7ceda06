"""Ask a server over HTTP, with bounds on time and bytes.

``http.client`` follows no redirects, reads no ``.netrc`` and logs nothing, so that headers go where
this module sends them and nowhere else. It blocks, and runs in a thread.
"""

import asyncio
import contextlib
import http.client
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from server.cli.rest_import.answers import Answer, ImportFailed, TryAgain, read_answer
from server.cli.rest_import.source import Source

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the server may take, in seconds, and how large a response may be, in bytes."""

    connecting: float = 10.0
    silence: float = 120.0
    response: float = 600.0
    bytes: int = 64 << 20


class Connection:
    """A connection to the server of a source, made anew when it was lost."""

    def __init__(self, source: Source, bounds: Bounds) -> None:
        self._source = source
        self._bounds = bounds
        self._http: http.client.HTTPConnection | None = None
        # It outlives ``_http.sock``, which is none while a last response is read.
        self._socket: socket.socket | None = None
        self._is_aborted = False
        self._tls = ssl.create_default_context() if source.is_secure else None

    async def get(self, query: str) -> Answer:
        """Ask for the list with a query.

        Raises TryAgain, BadRequest, TooLarge, or ImportFailed if asking again is no use. Cancelling
        the caller ends the request.
        """
        self._is_aborted = False
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
        self._is_aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Below TLS, whose state belongs to the thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _get(self, query: str) -> Answer:
        target = f"{self._source.path}?{query}"
        try:
            for _ in range(_MOST_REDIRECTS):
                # Closed, because a connection takes the next request only then, and because the
                # last response of one outlives it.
                with contextlib.closing(self._send(target)) as response:
                    if response.status not in _REDIRECTS:
                        answer = read_answer(response, self._source.origin, self._bounds.bytes)
                        if response.will_close:
                            self.close()
                        return answer
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
            if self._is_aborted or not is_reused:
                raise
            return self._sent(target)

    def _sent(self, target: str) -> http.client.HTTPResponse:
        if self._http is None:
            self._http = self._connected()
        self._http.putrequest("GET", target)
        self._http.putheader("Accept", "application/json")
        if all(name.lower() != "user-agent" for name, _ in self._source.headers):
            self._http.putheader("User-Agent", "executions-gateway")
        for name, value in self._source.headers:
            self._http.putheader(name, value)
        self._http.endheaders()
        return self._http.getresponse()

    def _connected(self) -> http.client.HTTPConnection:
        host, port, timeout = self._source.host, self._source.port, self._bounds.connecting
        if self._tls is None:
            made = http.client.HTTPConnection(host, port, timeout=timeout)
        else:
            made = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        made.connect()
        # From now on, a cancelled caller can end what the connection waits for.
        self._socket = made.sock
        if self._is_aborted:
            made.close()
            raise ConnectionAbortedError
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
