"""A running Flowise, and what a client does with its REST API."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.flowise.package import NEW

_START_SECONDS = 600
_ACCOUNT = {"email": "somebody@example.com", "credential": "Passw0rd!x"}
_ACTIONS = ("view", "create", "update", "delete")
_PERMISSIONS = [f"{kind}:{action}" for kind in ("executions", "agentflows") for action in _ACTIONS]


@dataclass
class Flowise:
    """What a client does with it, signed in as a person in a browser is."""

    url: str
    http: httpx.Client
    process: psutil.Process
    stop: Callable[[], None]
    flows: dict[str, str] = field(default_factory=dict)

    def register(self) -> str:
        """Make the account that 3.1 asks for, and sign in; returns the workspace's id."""
        self.http.post("/api/v1/account/register", json={"user": {"name": "Ann", **_ACCOUNT}})
        signed_in = {"email": _ACCOUNT["email"], "password": _ACCOUNT["credential"]}
        answer = self.http.post("/api/v1/auth/login", json=signed_in).raise_for_status()
        workspace: str = answer.json()["activeWorkspaceId"]
        return workspace

    def make_key(self) -> str:
        """Make an API key, as programs use them."""
        asked = {"keyName": "program", "permissions": _PERMISSIONS}
        key: str = self._ask("POST", "apikey", asked)[-1]["apiKey"]
        return key

    def create_flow(self, name: str, data: str) -> None:
        asked = {"name": name, "type": "AGENTFLOW", "flowData": data}
        self.flows[name] = self._ask("POST", "chatflows", asked)["id"]

    def run(self, flow: str, chat: str, **more: Any) -> httpx.Response:
        """Run a flow in a session; the answer comes when it has ended or waits."""
        # 3.0.0 takes no other ids of sessions on PostgreSQL.
        session = str(uuid.uuid5(uuid.NAMESPACE_URL, chat))
        asked = {"question": "please", "chatId": session, **more}
        return self.http.post(f"/api/v1/internal-prediction/{self.flows[flow]}", json=asked)

    def abort(self, flow: str, chat: str) -> None:
        session = uuid.uuid5(uuid.NAMESPACE_URL, chat)
        self._ask("PUT", f"chatmessage/abort/{self.flows[flow]}/{session}", None)

    def executions(self, **parameters: Any) -> list[dict[str, Any]]:
        """A page of its list."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        rows: list[dict[str, Any]] = self._ask("GET", f"executions?{query}", None)["data"]
        return rows

    def execution(self, guid: str) -> dict[str, Any]:
        one: dict[str, Any] = self._ask("GET", f"executions/{guid}", None)
        return one

    def update(self, guid: str, **values: Any) -> None:
        self._ask("PUT", f"executions/{guid}", values)

    def delete(self, *guids: str) -> None:
        self._ask("DELETE", "executions", {"executionIds": guids})

    def delete_messages(self, flow: str) -> None:
        """Delete all messages of a flow, with which Flowise deletes their executions."""
        span = "startDate=2020-01-01&endDate=2100-01-01"
        self._ask("DELETE", f"chatmessage/{self.flows[flow]}?{span}", None)

    def delete_flow(self, flow: str) -> None:
        self._ask("DELETE", f"chatflows/{self.flows.pop(flow)}", None)

    def import_again(self) -> None:
        """Export all executions and import the file: they come again under other ids."""
        exported = self._ask("POST", "export-import/export", {"execution": True})
        self._ask("POST", "export-import/import", exported)

    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def _ask(self, method: str, path: str, body: object) -> Any:
        answer = self.http.request(method, f"/api/v1/{path}", json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text[:500])
        return answer.json()


@contextlib.contextmanager
def running_flowise(
    packages: Path, folder: Path, database: Mapping[str, str], package: str = NEW
) -> Iterator[Flowise]:
    """Run a version of Flowise over a database until the block ends."""
    port = _free_port()
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DISABLE_FLOWISE_TELEMETRY": "true",
        "LOG_PATH": str(folder / "logs"),
        "SECRETKEY_PATH": str(folder),
        "BLOB_STORAGE_PATH": str(folder / "storage"),
        # Whatever they are, a restart has to find the same ones.
        "JWT_AUTH_TOKEN_SECRET": "a",
        "JWT_REFRESH_TOKEN_SECRET": "b",
        "EXPRESS_SESSION_SECRET": "c",
        "TOKEN_HASH_SECRET": "d",
        **database,
    }
    node = shutil.which("node")
    assert node is not None
    with (folder / f"{package}.log").open("ab") as log:
        process = subprocess.Popen(
            [node, "run", "start"],
            cwd=packages / package / "bin",
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    with (
        contextlib.ExitStack() as stack,
        httpx.Client(base_url=url, timeout=300, headers={"x-request-from": "internal"}) as client,
    ):
        stack.callback(_stop, process)
        _wait_for(process, client, folder / f"{package}.log")
        yield Flowise(url, client, psutil.Process(process.pid), partial(_stop, process))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _wait_for(process: "subprocess.Popen[bytes]", client: httpx.Client, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        with contextlib.suppress(httpx.TransportError):
            if client.get("/api/v1/ping").text == "pong":
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])
