"""What a server answered: its JSON, or why there is none and whether to ask again."""

import email.utils
import http.client
import json
import re
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from db.errors import GatewayError

_CHUNK = 1 << 16
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
class Answer:
    """A response: its JSON, its size in bytes, and the total that its headers tell, if any."""

    value: Any
    size: int
    total: str | None


def read_answer(response: http.client.HTTPResponse, origin: str, most_bytes: int) -> Answer:
    """Read the body of a response of the server at ``origin``.

    Raises TryAgain, BadRequest, TooLarge, or ImportFailed if asking again is no use. Unless an
    answer is returned, the connection can't be used again.
    """
    if response.status != 200:
        _refuse(response.status, response.getheader("Retry-After"), origin)
    coding = response.getheader("Content-Encoding", "identity")
    if coding.lower() not in ("identity", ""):
        raise ImportFailed(f"{origin} sends a Content-Encoding that was not asked for")
    body = _body(response, most_bytes)
    return Answer(_parsed(body, origin), len(body), response.getheader("X-Total-Count"))


def _refuse(status: int, retry_after: str | None, origin: str) -> NoReturn:
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


def _body(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    is_too_large = (response.length or 0) > most_bytes
    while not is_too_large and (chunk := response.read1(_CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
        is_too_large = size > most_bytes
    if is_too_large:
        found = _GUID.search(chunks[0] if chunks else response.read1(_CHUNK))
        raise TooLarge(found[1].decode() if found else None)
    if response.length:
        raise TryAgain("The connection was lost in the middle of an answer")
    return b"".join(chunks)


def _parsed(body: bytes, origin: str) -> Any:
    if body[:1024].lstrip()[:1] not in (b"[", b"{"):
        raise ImportFailed(
            f"{origin} answered with no JSON; a Flowise has its list at /api/v1/executions"
        )
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise TryAgain("The server answered with broken JSON", most=_FEW_TRIES) from None


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
