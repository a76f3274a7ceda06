"""The commands ``serve`` and ``health``, run as a person runs them."""

import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.gateway import run_sql
from tests.server.cli.program import DATABASE, PATIENCE, PROGRAM, end, invoke, run, serving


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _is_refused(url: str) -> bool:
    try:
        plain_http.get(url)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_answers_as_soon_as_it_has_printed_its_url(workers: str) -> None:
    with serving("--workers", workers) as served:
        answer = plain_http.get(f"{served.url}/readyz", timeout=PATIENCE)
        assert answer.json() == {"status": "ok"}
        assert re.fullmatch(r"Executions Gateway: http://127\.0\.0\.1:\d+\n", served.said)


@pytest.mark.parametrize(
    ("workers", "how"),
    [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)],
    ids=["one process", "one process, from the keyboard", "two workers"],
)
def test_serve_answers_until_it_is_told_to_stop_and_stops_cleanly(
    workers: str, how: signal.Signals
) -> None:
    with serving("--workers", workers) as served:
        query = {"query": "{ executions { totalCount } }"}
        assert _eventually(lambda: not _is_refused(served.url))
        for _ in range(10):
            answer = plain_http.post(f"{served.url}/graphql", json=query, timeout=PATIENCE)
            assert answer.json() == {"data": {"executions": {"totalCount": 0}}}
        status, said = served.stop(how)
        assert re.fullmatch(r"No key was made yet: anyone on this machine may .*\n", said)
        # Ended by the signal that was sent is clean too, told in either of the usual ways.
        assert status in {0, -how, 128 + how}
        assert _eventually(lambda: _is_refused(served.url))


def test_demo_fills_an_empty_database_and_no_other(folder: Path) -> None:
    with serving("--demo", "7") as served:
        assert "Filled the empty database with 7 demo executions\n" in served.said
        assert len(plain_http.get(f"{served.url}/executions").json()) == 7
        served.stop()
    made = run_sql(folder / "executions.db", "SELECT * FROM executions ORDER BY id")
    with serving("--demo", "9") as served:
        assert "demo" not in served.said
        assert len(plain_http.get(f"{served.url}/executions").json()) == 7
        served.stop()
    assert run_sql(folder / "executions.db", "SELECT * FROM executions ORDER BY id") == made


def test_progress_is_shown_on_a_terminal_while_demo_executions_are_made() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *DATABASE, "--demo", "25000"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    ) as process:
        limit = threading.Timer(PATIENCE, end, (process,))
        limit.start()
        try:
            # Read first what is shown: a terminal holds little, and the command waits for it.
            shown = b""
            while b"No key was made yet" not in shown:
                shown += os.read(ours, 1 << 16)
            assert process.stdout
            assert process.stdout.readline() == (
                "Filled the empty database with 25,000 demo executions\n"
            )
        finally:
            limit.cancel()
            end(process)
            os.close(theirs)
            os.close(ours)
    assert b"Making demo executions" in shown
    assert b"25000/25000" in shown


def test_every_worker_has_the_settings_that_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_REST_PREFIX", "/api/v1")
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "https://a.example,https://b.example")
    with serving("--workers", "2") as served:
        assert _eventually(lambda: not _is_refused(served.url))
        for _ in range(10):
            answer = plain_http.get(
                f"{served.url}/api/v1/executions",
                headers={"origin": "https://b.example"},
                timeout=PATIENCE,
            )
            assert answer.json() == []
            assert answer.headers["access-control-allow-origin"] == "https://b.example"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_on_a_port_that_is_taken_says_so(folder: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run("serve", "--port", port, "--workers", workers, *DATABASE)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: Port {port} on 127.0.0.1 is in use by another program; stop that one, or choose "
        "another port with --port (GATEWAY_PORT)\n"
    )
    assert list(folder.iterdir()) == []


# Health


def test_health_says_whether_the_gateway_of_the_settings_is_up() -> None:
    with serving() as served:
        port = served.url.rsplit(":", 1)[1]
        up = invoke("health", "--port", port)
        assert (up.exit_code, up.stdout) == (0, f"The gateway at {served.url}/healthz is up\n")
        served.stop()
        down = invoke("health", "--port", port)
    assert down.exit_code == 1
    assert f"The gateway at {served.url}/healthz does not answer" in down.stderr


def test_health_follows_the_port_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as served:
        monkeypatch.setenv("GATEWAY_PORT", served.url.rsplit(":", 1)[1])
        monkeypatch.setenv("GATEWAY_HOST", "0.0.0.0")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert invoke("health").exit_code == 0
