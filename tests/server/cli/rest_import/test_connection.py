"""What an import sends to a server, and what it takes from one."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from db.errors import GatewayError, InvalidInput
from server.cli.rest_import.answers import ImportFailed, TooLarge, TryAgain
from server.cli.rest_import.connection import Bounds, Connection
from server.cli.rest_import.source import Source
from tests.server.cli.rest_import.listing import Listing, Reply, listing

pytestmark = pytest.mark.anyio

SECRET = "very-secret-token"
HEADER = f"Authorization: Bearer {SECRET}"


@contextlib.contextmanager
def _connected(to: Listing, *, bounds: Bounds | None = None) -> Iterator[Connection]:
    made = Connection(Source.of(to.url, [HEADER]), bounds or Bounds())
    try:
        yield made
    finally:
        made.close()


async def _failure(reply: Reply, kind: type[Exception], bounds: Bounds | None = None) -> Any:
    with listing(lambda _: reply) as to, _connected(to, bounds=bounds) as connection:
        with pytest.raises(kind) as raised:
            await connection.get("page=1")
        return raised.value


async def test_the_headers_that_were_given_are_sent() -> None:
    with listing(lambda _: []) as to, _connected(to) as connection:
        answer = await connection.get("page=1&limit=2")
    [(path, headers)] = to.requests
    assert answer.value == []
    assert path == "/api/v1/executions?page=1&limit=2"
    assert headers["Authorization"] == f"Bearer {SECRET}"


async def test_a_header_may_be_given_more_than_once() -> None:
    given = ["X-Part: 1", "X-Part: 2", "user-agent: mine"]
    with listing(lambda _: []) as to:
        connection = Connection(Source.of(to.url, given), Bounds())
        await connection.get("page=1")
        connection.close()
    [headers] = to.all_headers
    assert [value for name, value in headers if name == "X-Part"] == ["1", "2"]
    assert [value for name, value in headers if name.lower() == "user-agent"] == ["mine"]


async def test_one_connection_serves_many_requests() -> None:
    ports = set()

    with listing(lambda _: []) as to, _connected(to) as connection:
        for _ in range(3):
            await connection.get("page=1")
            assert connection._http
            ports.add(connection._http.sock.getsockname())
    assert len(ports) == 1


async def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew() -> None:
    with listing(lambda _: []) as to, _connected(to) as connection:
        await connection.get("page=1")
        assert connection._http
        connection._http.sock.shutdown(socket.SHUT_RDWR)
        assert (await connection.get("page=2")).value == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_on_the_same_server_is_followed(status: int) -> None:
    def answer(query: dict[str, str]) -> Any:
        if "moved" in query:
            return [1]
        return Reply(status=status, headers={"Location": "/elsewhere/?page=1&moved=1"})

    with listing(answer) as to, _connected(to) as connection:
        assert (await connection.get("page=1")).value == [1]
    assert [path for path, _ in to.requests][1] == "/elsewhere/?page=1&moved=1"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("http://other.example/api", "http://other.example:80"),
        ("//other.example/api", "http://other.example:80"),
        ("http://127.0.0.1:1/api", "http://127.0.0.1:1"),
        ("https://127.0.0.1/api", "https://127.0.0.1:443"),
        (f"http://user:{SECRET}@other.example/{SECRET}", "http://other.example:80"),
        ("http://[broken", "an unknown place"),
        ("file:///etc/passwd", "an unknown place"),
    ],
)
async def test_a_redirect_to_another_server_is_refused_by_name(location: str, shown: str) -> None:
    reply = Reply(status=302, headers={"Location": location})
    error = await _failure(reply, ImportFailed)
    assert f"redirects to {shown}, where the headers must not be sent" in error.message
    assert SECRET not in error.message


async def test_a_server_that_redirects_without_end_is_refused() -> None:
    reply = Reply(status=302, headers={"Location": "/round"})
    assert "more than 5 times" in (await _failure(reply, ImportFailed)).message


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
async def test_a_server_that_is_busy_is_asked_again_when_it_says(status: int) -> None:
    again = await _failure(Reply(status=status, headers={"Retry-After": "7"}), TryAgain)
    assert (again.reason, again.after, again.most) == (f"The server answered {status}", 7.0, None)


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (None, None),
        ("soon", None),
        ("-3", None),
        ("99999999999999999999", 3600.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
    ],
)
async def test_how_long_to_wait_is_bounded(given: str | None, after: float | None) -> None:
    headers = {} if given is None else {"Retry-After": given}
    assert (await _failure(Reply(status=503, headers=headers), TryAgain)).after == after


async def test_an_internal_error_is_tried_a_few_times() -> None:
    assert (await _failure(Reply(status=500), TryAgain)).most == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "it wants credentials; send them in a header"),
        (403, "it wants more rights"),
        (404, "a Flowise has it at /api/v1/executions"),
        (418, "answered 418"),
    ],
)
async def test_what_asking_again_does_not_help_is_an_error(status: int, said: str) -> None:
    reply = Reply(status=status, raw=f"You sent {SECRET}".encode())
    error = await _failure(reply, ImportFailed)
    assert said in error.message
    assert SECRET not in error.message


async def test_a_page_of_html_is_no_list() -> None:
    error = await _failure(Reply(raw=b"<!doctype html>"), ImportFailed)
    assert "answered with no JSON" in error.message


@pytest.mark.parametrize("body", [b'[{"a": ', b"[" * 200_000, b'["\xff"]', b"[1}"])
async def test_broken_json_is_asked_for_again_a_few_times(body: bytes) -> None:
    again = await _failure(Reply(raw=body), TryAgain)
    assert (again.reason, again.most) == ("The server answered with broken JSON", 3)


async def test_an_answer_that_is_cut_off_is_asked_for_again() -> None:
    again = await _failure(Reply(raw=b"[]", cut=True), TryAgain)
    assert "lost in the middle of an answer" in again.reason


async def test_an_answer_is_read_up_to_a_bound_and_names_its_first_execution() -> None:
    row = {"id": "execution-1", "executionData": "x" * 10_000}
    too_large = await _failure(Reply({"data": [row]}), TooLarge, Bounds(bytes=5_000))
    assert too_large.guid == "execution-1"


async def test_a_content_encoding_that_was_not_asked_for_is_refused() -> None:
    reply = Reply([], headers={"Content-Encoding": "gzip"})
    assert "Content-Encoding" in (await _failure(reply, ImportFailed)).message


async def test_a_server_that_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        connection = Connection(Source.of(url), Bounds(silence=0.05))
        with pytest.raises(TryAgain, match="does not answer in time"):
            await connection.get("page=1")


async def test_a_server_that_is_not_there_is_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(TryAgain, match="Connection refused"):
        await Connection(Source.of(url), Bounds()).get("page=1")


@pytest.mark.parametrize("said", [f"SSH-2.0 {SECRET}\r\n", f"HTTP/9 {SECRET}\r\n\r\n", "\r\n\r\n"])
async def test_nothing_that_a_server_sends_is_shown(said: str) -> None:
    def speak(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65_536)
            accepted.sendall(said.encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TryAgain) as raised:
            await Connection(Source.of(url), Bounds()).get("page=1")
        thread.join()
    assert SECRET not in raised.value.reason


async def test_a_certificate_of_an_unknown_authority_is_refused_at_once() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    refused = pytest.raises(ImportFailed, match=r"certificate of .* is not valid")
    with listing(lambda _: [], tls=context) as to, _connected(to) as connection, refused:
        await connection.get("page=1")
    assert to.requests == []


async def test_a_certificate_of_a_known_authority_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    with listing(lambda _: [7], tls=context) as to, _connected(to) as connection:
        assert (await connection.get("page=1")).value == [7]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "file:// can't be imported, only http:// and https://"),
        ("ftp://host/list", "ftp:// can't be imported"),
        (f"http://user:{SECRET}@host/", "must hold no credentials"),
        (f"http://{SECRET}@host/", "must hold no credentials"),
        ("http://", "must name a host"),
        ("http://host:99999/", "no valid URL"),
        ("http://[::1/", "no valid URL"),
        ("http://host/a b", "must name a host"),
        ("http://host/a\r\nX: y", "must name a host"),
        (f"http://host/?token={SECRET}", "it has 'token'"),
        ("http://host/#a", "no #fragment"),
    ],
)
def test_an_address_that_can_not_be_imported_is_refused_by_name(url: str, said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Source.of(url)
    assert said in raised.value.message
    assert SECRET not in raised.value.message


@pytest.mark.parametrize(
    "header",
    [
        SECRET,
        f"Bearer {SECRET}:",
        f": {SECRET}",
        f"Host: {SECRET}",
        f"content-length: {SECRET}",
        f"X-Key: {SECRET}\r\nEvil: 1",
        f"X-Key: {SECRET}\u20ac",
        f"@/nowhere/{SECRET}",
    ],
)
def test_a_header_that_can_not_be_sent_is_refused_without_being_shown(header: str) -> None:
    with pytest.raises(GatewayError) as raised:
        Source.of("http://host/", [header])
    assert SECRET not in raised.value.message
    assert "--header" in raised.value.message


def test_headers_may_come_from_a_file(tmp_path: Any) -> None:
    file = tmp_path / "headers"
    file.write_text(f"{HEADER}\n\nX-Other: 1\n")
    source = Source.of("http://host/", [f"@{file}"])
    assert source.headers == (("Authorization", f"Bearer {SECRET}"), ("X-Other", "1"))
    assert SECRET not in repr(source)


def test_a_list_is_named_apart_for_each_credential_and_shows_none() -> None:
    names = {
        Source.of(url, headers).name
        for url in ("http://host/a", "http://host/b", "https://host/a", "http://host/a?sessionId=1")
        for headers in ([], [HEADER], ["Authorization: Bearer other"])
    }
    assert len(names) == 12
    assert all(SECRET not in name and "host" not in name for name in names)
