"""What a client sees when a response is written in one call."""

import pytest

from server.http.direct_write import encoded
from tests.gateway import Gateway
from tests.server.wire import connected, post, read_to_end

QUERY = b'{"query": "{ executions(first: 2) { totalCount } }"}'


def test_a_connection_stays_open_for_the_next_request(sample_gateway: Gateway) -> None:
    with connected(sample_gateway) as client:
        for _ in range(3):
            client.sendall(post(QUERY))
            answer = client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"connection:" not in answer.lower()


def test_a_request_that_asks_for_the_end_gets_it(sample_gateway: Gateway) -> None:
    with connected(sample_gateway) as client:
        client.sendall(post(QUERY, b"Connection: close"))
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert body.startswith(b'{"data":')


def test_a_client_of_the_old_protocol_is_not_kept_waiting(sample_gateway: Gateway) -> None:
    with connected(sample_gateway) as client:
        client.sendall(b"GET /executions?limit=1 HTTP/1.0\r\n\r\n")
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(body) == int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])


def test_requests_sent_together_are_answered_in_their_order(sample_gateway: Gateway) -> None:
    asked = [b"first", b"second", b"third"]
    with connected(sample_gateway) as client:
        client.sendall(
            b"".join(post(b'{"query": "{ %b: __typename }"}' % name) for name in asked[:-1])
            + post(b'{"query": "{ third: __typename }"}', b"Connection: close")
        )
        answers = read_to_end(client)
    places = [answers.index(b'"%b"' % name) for name in asked]
    assert places == sorted(places)
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_a_head_request_gets_the_length_and_no_body(sample_gateway: Gateway) -> None:
    with connected(sample_gateway) as client:
        client.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = read_to_end(client)
    assert answer.startswith(b"HTTP/1.1 ")
    assert answer.endswith(b"\r\n\r\n")


def test_every_answer_has_a_date_a_length_and_the_id_once(sample_gateway: Gateway) -> None:
    with connected(sample_gateway) as client:
        client.sendall(post(QUERY, b"X-Request-Id: abc-123", b"Connection: close"))
        head = read_to_end(client).partition(b"\r\n\r\n")[0].lower()
    for name in (b"date", b"content-length", b"x-request-id"):
        assert head.count(b"\r\n%b: " % name) == 1
    assert b"\r\nx-request-id: abc-123" in head


def test_a_slow_reader_gets_all_of_many_large_answers(sample_gateway: Gateway) -> None:
    query = b'{"query": "{ executions(first: 1000) { edges { cursor node { guid } } } }"}'
    with connected(sample_gateway) as client:
        # More than the buffers of both ends hold, before the first byte is read.
        client.sendall(post(query) * 200 + post(query, b"Connection: close"))
        answers = read_to_end(client)
    assert answers.count(b"HTTP/1.1 200 OK") == 201
    bodies = {part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK")[1:]}
    assert len(bodies) == 1
    assert bodies.pop().endswith(b"}")


def test_a_client_that_waits_to_be_told_to_go_on_is_answered_once(sample_gateway: Gateway) -> None:
    body = b'{"query": "{ __typename }"}'
    with connected(sample_gateway) as client:
        head, sent = post(body, b"Expect: 100-continue", b"Connection: close").split(body)
        client.sendall(head + sent)
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert read_to_end(client).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "header",
    [
        (b"location", b"x\r\nset-cookie: forged"),
        (b"location", b"x\nset-cookie: forged"),
        (b"location", b"x\rset-cookie: forged"),
        (b"location", b"x\0"),
        (b"connection", b"close"),
    ],
)
def test_a_header_that_forges_or_ends_goes_the_guarded_way(header: tuple[bytes, bytes]) -> None:
    assert encoded((header,)) is None


def test_plain_headers_are_written_as_lines() -> None:
    headers = ((b"content-type", b"text/plain"), (b"vary", b"Accept"))
    assert encoded(headers) == b"content-type: text/plain\r\nvary: Accept\r\n"
