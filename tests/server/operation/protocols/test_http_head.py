"""Consecutive heads on a connection."""

import pytest

from server.operation.protocols.http_framing import MalformedRequest
from server.operation.protocols.http_head import Head

POST = b"POST /a?b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
GET = b"GET /c HTTP/1.1\r\nHost: localhost\r\n\r\n"
WRONG = b"GET /c HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"


def _told(head: Head) -> tuple[object, ...]:
    return head.method, head.path, head.query, head.length, head.headers, head.keeps_alive


def test_a_head_that_comes_again_tells_what_it_told_and_is_not_parsed() -> None:
    head = Head()
    head.read(POST)
    head.pass_over(b"{}")
    told = _told(head)
    for _ in range(2):
        assert head.repeated_in(POST + b"{}" + GET) == len(POST)
        head.pass_over(b"{}")
        assert _told(head) == told
    assert not head.repeated_in(GET)
    head.read(GET)
    assert _told(head)[:4] == (b"GET", b"/c", b"", 0)
    assert not head.repeated_in(POST)
    head.read(POST)
    assert _told(head) == told


def test_a_head_that_is_not_whole_is_not_the_one_before() -> None:
    head = Head()
    head.read(GET)
    assert not head.repeated_in(GET[:-1])
    assert not head.repeated_in(GET[:-2] + b"Cookie: a\r\n\r\n")


def test_what_was_refused_is_refused_again() -> None:
    for before in (GET, POST):
        head = Head()
        head.read(before)
        head.forget()
        for _ in range(2):
            with pytest.raises(MalformedRequest):
                head.read(WRONG)
            head.forget()
            assert not head.repeated_in(WRONG)
        head.read(before)


def test_a_long_head_is_not_kept() -> None:
    head, long = Head(), GET.replace(b"/c", b"/" + b"c" * 3_000)
    head.read(long)
    assert not head.repeated_in(long)
