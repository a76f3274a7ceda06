"""Request bodies in gzip, and in unsupported codings."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import anyio
import httpx
import pytest

from server.http.content_coding import TooLong, decompress
from tests.gateway import Gateway
from tests.sample import SAMPLE

QUERY = json.dumps({"query": "{ __typename }"}).encode()
DATA = {"data": {"__typename": "Query"}}
ONE = SAMPLE[1]


def _post(gateway: Gateway, body: bytes, coding: str = "gzip") -> httpx.Response:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return gateway.http.post("/graphql", content=body, headers=headers)


def _message(answer: httpx.Response) -> str:
    body = answer.json()
    return str(body["errors"][0]["message"] if "errors" in body else body["message"])


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
def test_a_graphql_body_may_be_gzip(sample_gateway: Gateway, coding: str) -> None:
    assert _post(sample_gateway, gzip.compress(QUERY), coding).json() == DATA


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_body_that_says_it_is_not_packed_is_read_as_it_is(
    sample_gateway: Gateway, coding: str
) -> None:
    assert _post(sample_gateway, QUERY, coding).json() == DATA


def test_rest_bodies_may_be_gzip(gateway: Gateway) -> None:
    gateway.insert([ONE])
    headers = {"content-encoding": "gzip"}
    url = f"/executions/{ONE.guid}"
    body = gzip.compress(b'{"state": "STOPPED"}')
    assert gateway.http.put(url, content=body, headers=headers).json()["state"] == "STOPPED"
    body = gzip.compress(json.dumps({"executionIds": [ONE.guid]}).encode())
    answer = gateway.http.request("DELETE", "/executions", content=body, headers=headers)
    assert answer.json()["affected"] == 1


def test_a_body_may_come_in_pieces_and_members(sample_gateway: Gateway) -> None:
    compressed = gzip.compress(QUERY[:9]) + gzip.compress(b"") + gzip.compress(QUERY[9:])
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    pieces = (compressed[at : at + 7] for at in range(0, len(compressed), 7))
    answer = sample_gateway.http.post("/graphql", content=pieces, headers=headers)
    assert answer.json() == DATA


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip, br", "chunked", "é"]
)
@pytest.mark.parametrize("route", ["/graphql", "/executions"])
def test_another_coding_is_415_and_the_answer_says_which_is_taken(
    sample_gateway: Gateway, route: str, coding: str
) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding.encode("latin-1")}
    method = "POST" if route == "/graphql" else "DELETE"
    answer = sample_gateway.http.request(method, route, content=QUERY, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
    assert _message(answer).startswith("Content-Encoding must be gzip, or none; got ")


_PACKED = gzip.compress(QUERY)


@pytest.mark.parametrize(
    "body",
    {
        "nothing": b"",
        "text": QUERY,
        "zlib": zlib.compress(QUERY),
        "a part": _PACKED[:-1],
        "a head": _PACKED[:5],
        "garbage behind": _PACKED + b"garbage",
        "a null behind": _PACKED + b"\0",
        "a broken member behind": _PACKED + _PACKED[:-3],
        "another checksum": _PACKED[:-8] + b"\0\0\0\0" + _PACKED[-4:],
        "another length": _PACKED[:-4] + b"\xff\0\0\0",
        "a broken middle": _PACKED[:12] + b"\xff\xff\xff" + _PACKED[15:],
        "too many members": gzip.compress(b" ") * 16 + _PACKED,
    }.items(),
    ids=lambda body: body[0],
)
def test_what_is_no_gzip_as_a_whole_is_400(
    sample_gateway: Gateway, body: tuple[str, bytes]
) -> None:
    answer = _post(sample_gateway, body[1])
    assert answer.status_code == 400
    assert "gzip" in _message(answer)


@pytest.mark.parametrize("route", ["/graphql", "/executions"])
def test_the_limit_of_bodies_holds_for_what_is_unpacked(
    gateway_with: Callable[..., Gateway], route: str
) -> None:
    gateway = gateway_with(max_body_bytes=1000)
    method = "POST" if route == "/graphql" else "DELETE"
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    for size, is_taken in ((1000, True), (1001, False), (500_000, False)):
        body = gzip.compress(QUERY.ljust(size))
        assert len(body) < 1000
        answer = gateway.http.request(method, route, content=body, headers=headers)
        assert (answer.status_code != 413) is is_taken
        assert is_taken or "when it is unpacked (max_body_bytes)" in _message(answer)


@pytest.mark.anyio
@pytest.mark.parametrize("max_bytes", [0, 1, 262_143, 262_144, 262_145, 1_000_000])
async def test_as_much_is_unpacked_as_fits(max_bytes: int) -> None:
    assert await decompress(gzip.compress(b"a" * max_bytes), max_bytes) == b"a" * max_bytes
    with pytest.raises(TooLong):
        await decompress(gzip.compress(b"a" * (max_bytes + 1)), max_bytes)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(500)) + packer.flush()
    assert len(bomb) < 600_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLong):
            anyio.run(decompress, bomb, 1_048_576)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1_048_576
    finally:
        tracemalloc.stop()
