"""The whole list: complete, in constant memory, and unaffected by clients that disconnect."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests import plain_http
from tests.faults.programs import wait_until
from tests.gateway import Gateway, run_sql
from tests.places import Place, SQLitePlace
from tests.sample import START

ROOT = Path(__file__).parents[3]
MANY = [330_000, pytest.param(1_000_000, marks=pytest.mark.load)]
FORMATS = ["application/json", "text/csv", "application/x-ndjson"]
ENDS = {"application/json": b"}", "text/csv": b"\n", "application/x-ndjson": b"}"}
"""The last character of each execution."""
MOST_GROWTH_KB = 24 * 1024
"""Two connections of SQLite's fill a cache of 8 MB each if work in the background comes between."""
MOST_CONNECTIONS = 12
"""Of SQLite's there are seven at most, of PostgreSQL's twelve."""

# The state and the inode of a socket in Linux's table; see proc_pid_net(5).
_LISTENING, _NOBODY_S = "0A", "0"

_FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO executions (id, guid, agentflow_id, session_id, state, created_on, updated_on)
SELECT n, 'guid-' || substr(CAST(100000000 + n AS text), 2), 'flow-' || (n % 10),
  'session-' || (n / 5), 'FINISHED', CAST(? AS bigint) + n / 3, CAST(? AS bigint)
FROM numbers
"""


@dataclass
class Served:
    """A gateway that is a process of its own."""

    url: str
    place: Place
    pid: int
    log: Path

    def peak_memory_kb(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(peak)

    def open_files(self, is_wanted: Callable[[str], bool]) -> int:
        targets = [_target(link) for link in Path(f"/proc/{self.pid}/fd").iterdir()]
        return sum(map(is_wanted, targets))

    def connections(self) -> int:
        if isinstance(self.place, SQLitePlace):
            file = str(self.place.path.resolve())
            return self.open_files(lambda target: target == file)
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ? AND datname = ?"
        [(connections,)] = run_sql(
            self.place, count, "executions-gateway", self.place.url.split("/")[3].split("?")[0]
        )
        return int(connections)

    def clients(self) -> int:
        """The number of connections of clients that the gateway has not closed."""
        port = f":{urlsplit(self.url).port:04X}"
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
        return sum(
            socket[1].endswith(port) and socket[3] != _LISTENING and socket[9] != _NOBODY_S
            for socket in sockets[1:]
        )


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


@pytest.fixture(scope="module", params=MANY)
def served(
    request: pytest.FixtureRequest,
    new_place: Callable[[], Place],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    place = new_place()
    log = tmp_path_factory.mktemp("served") / "log"
    run_sql(place, _FILL, request.param, START, START)
    command = [sys.executable, "app.py", "serve", "--port", "0", "--database", place.url]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        try:
            assert process.stdout
            announced = process.stdout.readline()
            [url] = re.findall(r"http://\S+", announced)
            yield Served(url, place, process.pid, log)
        finally:
            process.terminate()


def _abandon(url: str, accept: str = "*/*") -> bytes:
    """Ask for everything, take the first piece and go away."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        request = f"GET /executions HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\n\r\n"
        client.sendall(request.encode())
        return client.recv(1000)


def _slow_reader(url: str) -> httpx.Client:
    """A client whose receive buffer is small, so that the gateway can't run far ahead of it."""
    small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]
    transport = httpx.HTTPTransport(socket_options=small)
    return httpx.Client(transport=transport, base_url=url, timeout=60)


def _all_pieces(pieces: Iterator[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(b"".join(pieces))
    return found


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 2000, 100_000])
def test_the_list_is_complete_and_newest_first(gateway: Gateway, count: int) -> None:
    gateway.sql(_FILL, count, START, START)
    answer = gateway.http.get("/executions")
    assert answer.headers["transfer-encoding"] == "chunked"
    found = answer.json()
    assert [row["id"] for row in found] == list(range(count, 0, -1))
    assert found[0] == {
        "id": count,
        "guid": f"guid-{count:08}",
        "agentflowId": f"flow-{count % 10}",
        "agentflowName": None,
        "sessionId": f"session-{count // 5}",
        "state": "FINISHED",
        "created_on": START + count // 3,
    }


def test_a_filtered_list_is_complete_too(gateway: Gateway) -> None:
    gateway.sql(_FILL, 25_000, START, START)
    found = gateway.http.get("/executions?agentflowId=flow-3").json()
    assert [row["id"] for row in found] == list(range(24_993, 0, -10))


def test_what_is_created_while_the_list_is_sent_does_not_shift_it(gateway: Gateway) -> None:
    gateway.sql(_FILL, 100_000, START, START)
    with gateway.http.stream("GET", "/executions") as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
            " SELECT 'late-' || id, 'flow-1', NULL, 'ERROR', created_on + 1000000"
            " FROM executions WHERE id <= 5000"
        )
        found = _all_pieces(iter([first, *pieces]))
    assert [row["id"] for row in found] == list(range(100_000, 0, -1))


@pytest.mark.parametrize("accept", FORMATS)
def test_the_whole_list_is_sent_in_constant_memory(served: Served, accept: str) -> None:
    [(count,)] = run_sql(served.place, "SELECT count(*) FROM executions")
    plain_http.get(f"{served.url}/executions?limit=1000").raise_for_status()
    before = served.peak_memory_kb()
    sent, size, end = (-1 if accept == "text/csv" else 0), 0, b""
    headers = {"accept": accept}
    url = f"{served.url}/executions"
    with plain_http.stream("GET", url, timeout=60, headers=headers) as answer:
        for piece in answer.iter_raw():
            sent += piece.count(ENDS[accept])
            size += len(piece)
            end = (end + piece)[-300:]
    assert sent == count
    assert b'"guid-00000001"' in end
    assert size > (1 if accept == "text/csv" else 2) * MOST_GROWTH_KB * 1024
    assert served.peak_memory_kb() - before < MOST_GROWTH_KB


def test_the_first_executions_are_sent_before_the_last_are_read(served: Served) -> None:
    [row] = run_sql(served.place, "SELECT * FROM executions WHERE id = 1")
    url = f"{served.url}/executions?endDate={START + 99_999}"
    with _slow_reader(served.url) as client, client.stream("GET", url) as answer:
        pieces = answer.iter_raw()
        assert next(pieces).startswith(b'[{"id":299999,')
        run_sql(served.place, "DELETE FROM executions WHERE id = 1")
        end = b""
        for piece in pieces:
            end = (end + piece)[-1000:]
    run_sql(served.place, f"INSERT INTO executions VALUES ({', '.join('?' * len(row))})", *row)
    assert b'"guid":"guid-00000002"' in end
    assert b'"guid":"guid-00000001"' not in end


def test_a_list_that_can_not_be_finished_is_cut_off_and_not_closed(gateway: Gateway) -> None:
    gateway.sql(_FILL, 100_000, START, START)
    with _slow_reader(gateway.url) as client, client.stream("GET", "/executions") as answer:
        pieces = answer.iter_raw()
        assert next(pieces).startswith(b'[{"id":100000,')
        gateway.sql("DROP TABLE executions")
        with pytest.raises(httpx.RemoteProtocolError):
            assert not b"".join(pieces).endswith(b"]")
    assert gateway.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("accept", FORMATS)
def test_clients_that_go_away_leave_nothing_behind(served: Served, accept: str) -> None:
    clients = served.clients()
    with plain_http.stream("GET", f"{served.url}/executions", timeout=60) as slow:
        # Kept, because the connection is closed with its iterator.
        pieces = slow.iter_raw()
        assert next(pieces)
        assert served.clients() == clients + 1
    said_before = served.log.read_text("utf-8")
    with ThreadPoolExecutor(10) as pool:
        for answer in pool.map(_abandon, [served.url] * 50, [accept] * 50):
            assert answer.startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: served.clients() <= clients)
    assert served.log.read_text("utf-8") == said_before
    assert 1 <= served.connections() <= MOST_CONNECTIONS


def test_the_gateway_answers_after_clients_went_away(served: Served) -> None:
    for _ in range(50):
        _abandon(served.url)
    with ThreadPoolExecutor(16) as pool:
        url = f"{served.url}/executions?limit=1000"
        answers = list(pool.map(lambda _: plain_http.get(url, timeout=30), range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(len(answer.json()) == 1000 for answer in answers)
    changed = plain_http.put(f"{served.url}/executions/guid-00000005", json={"state": "STOPPED"})
    assert changed.json()["state"] == "STOPPED"
    assert 1 <= served.connections() <= MOST_CONNECTIONS


def test_a_slow_client_keeps_nobody_waiting(served: Served) -> None:
    with plain_http.stream("GET", f"{served.url}/executions", timeout=60) as slow:
        # Kept, because the connection is closed with its iterator.
        pieces = slow.iter_raw()
        assert next(pieces)
        for _ in range(20):
            assert plain_http.get(f"{served.url}/executions?page=1").status_code == 200
        changed = plain_http.put(f"{served.url}/executions/guid-00000007", json={"state": "ERROR"})
        assert changed.status_code == 200
