"""Run a table of cases against a gateway."""

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, insert, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import forget_events
from tests.server.wire import taken_places

CHANGED = SAMPLE[0].guid


def needs_node(folder: Path) -> pytest.MarkDecorator:
    """Leave a test out where Node, or what a table needs, is not installed."""
    missing = not (shutil.which("node") and (folder / "node_modules").is_dir())
    return pytest.mark.skipif(
        missing and not os.environ.get("REQUIRE_NODE"),
        reason="the protocols need Node and npm: install them, then run make test again",
    )


def free_port() -> int:
    """A port that a gateway can be started on again and again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Operator:
    """Runs a gateway, and does what the cases ask for."""

    def __init__(self, place: Place, **settings: Any) -> None:
        self._place = place
        self._settings = {**settings, "port": free_port(), "auth": "keys"}
        self._running = contextlib.ExitStack()
        self._gateway: Gateway | None = None
        self._numbers = itertools.count(1)
        self.headers = bearer(make_key(place, "read", "update"))

    @property
    def gateway(self) -> Gateway:
        """The running gateway."""
        assert self._gateway is not None
        return self._gateway

    @contextlib.contextmanager
    def working(self) -> Iterator["Operator"]:
        """Run the gateway until the block ends."""
        insert(self._place, SAMPLE)
        self.start()
        with self._running:
            yield self

    def do(self, wish: str) -> dict[str, Any] | None:
        """Do what a case asks for, and return what it is told; None if that can't be done."""
        action = getattr(self, wish, None)
        return None if action is None else action() or {}

    def event(self) -> dict[str, Any]:
        """Change an execution, as an engine does."""
        mark = f"changed-{next(self._numbers)}-{time.monotonic_ns()}"
        changed = "UPDATE executions SET session_id = ? WHERE guid = ?"
        self._place.run(changed, [(mark, CHANGED)])
        return {"contains": mark}

    def stop(self) -> None:
        """Stop the gateway."""
        self._running.close()

    def start(self) -> None:
        """Start the gateway at the address that it had before."""
        self._gateway = self._running.enter_context(running_gateway(self._place, **self._settings))
        self._gateway.http.headers.update(self.headers)

    def restart(self) -> None:
        """Stop the gateway and start it again."""
        self.stop()
        self.start()

    def subscriptions(self) -> dict[str, Any]:
        """Count the subscriptions."""
        return {"count": taken_places(self.gateway, "max_subscriptions")}

    def expire(self) -> None:
        """Forget all events but the last one."""
        forget_events(self._place)

    def revoke(self) -> None:
        """Let the key be worth nothing."""
        self._place.run("UPDATE api_keys SET revoked_on = 1", [()])

    def readmit(self) -> None:
        """Let the key be worth something again."""
        self._place.run("UPDATE api_keys SET revoked_on = NULL", [()])
        wait_until(lambda: self.gateway.http.get("/executions?limit=1").status_code == 200)


class Does(Protocol):
    """Whoever does what the cases ask for."""

    def do(self, wish: str) -> dict[str, Any] | None:
        """Do what a case asks for, and return what it is told; None if that can't be done."""


def outcomes(folder: Path, subject: dict[str, Any], operator: Does) -> list[dict[str, Any]]:
    """Run all cases of a table; return what came of each."""
    told = []
    file = folder / "node_modules" / f"subject-{os.getpid()}.json"
    file.write_text(json.dumps(subject), "utf-8")
    with subprocess.Popen(
        ["node", "cases.mjs", file],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for line in running.stdout:
            said = json.loads(line)
            if "do" not in said:
                told.append(said)
                continue
            done = operator.do(said["do"])
            answer = {"done": done is not None, **(done or {})}
            running.stdin.write(json.dumps(answer) + "\n")
            running.stdin.flush()
    file.unlink()
    assert running.returncode == 0
    return told
