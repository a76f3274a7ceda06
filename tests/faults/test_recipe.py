"""The recipe of docs/recipes.md, run as it stands there: nothing is lost, whatever is killed."""

import contextlib
import http.server
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.programs import ROOT, Program, wait_until
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace

[RECIPE] = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs/recipes.md").read_text("utf-8"), re.DOTALL
)
LOAD_ANEW = {"type": "LOAD_ANEW"}


class Webhook:
    """Receives messages, and refuses one in ten."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        chance = Random(7)
        received = self.messages

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                is_accepted = chance.random() < 0.9
                if is_accepted:
                    received.append(message)
                self.send_response(204 if is_accepted else 503)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def has(self, guid: str) -> bool:
        """Whether it was told of an execution."""
        return any(message.get("guid") == guid for message in self.messages)


class World:
    """A gateway, a webhook, and the recipe between them."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place = place
        self._folder = folder
        (folder / "follow.py").write_text(RECIPE)
        self.webhook = Webhook()
        self._gateway = Program(place.url)
        self._reader: subprocess.Popen[bytes] | None = None
        self._written = 0

    def start_reader(self) -> None:
        self._reader = subprocess.Popen(
            [sys.executable, self._folder / "follow.py"],
            env={
                "GATEWAY": self._gateway.url,
                "WEBHOOK": self.webhook.url,
                "CURSOR_FILE": str(self._folder / "cursor"),
            },
            stdout=subprocess.DEVNULL,
        )

    def kill_reader(self) -> None:
        assert self._reader is not None
        self._reader.send_signal(signal.SIGKILL)
        self._reader.wait()
        self._reader = None

    def kill_gateway(self) -> None:
        """Kill it, and start it again at the same address."""
        self._gateway.kill()
        self._gateway = Program(self._place.url, "--port", self._gateway.url.rpartition(":")[2])

    def write(self, count: int) -> str:
        """Create executions; the guid of the last one."""
        for _ in range(count):
            self._written += 1
            run_sql(
                self._place,
                "INSERT INTO executions (guid, agentflow_id, state, created_on)"
                f" VALUES ('g-{self._written}', 'flow', 'INPROGRESS', 1700000000000)",
            )
        return f"g-{self._written}"

    def wait_for(self, guid: str) -> None:
        wait_until(lambda: self.webhook.has(guid))

    def close(self) -> None:
        if self._reader is not None:
            self.kill_reader()
        self._gateway.kill()
        self.webhook.close()


@pytest.fixture
def world(place: Place, tmp_path: Path) -> Iterator[World]:
    with contextlib.closing(World(place, tmp_path)) as made:
        yield made


def test_each_change_is_delivered_although_the_reader_and_the_gateway_are_killed(
    world: World,
) -> None:
    world.start_reader()
    wait_until(lambda: LOAD_ANEW in world.webhook.messages)
    world.wait_for(world.write(5))
    world.kill_reader()
    world.write(5)
    world.start_reader()
    world.wait_for(world.write(5))
    world.kill_gateway()
    world.wait_for(world.write(5))
    delivered = [message["guid"] for message in world.webhook.messages if "guid" in message]
    # What is delivered again is what came last.
    assert list(dict.fromkeys(delivered)) == [f"g-{number}" for number in range(1, 21)]
    numbers = [int(guid[2:]) for guid in delivered]
    assert all(later >= earlier for earlier, later in itertools.pairwise(numbers))


def test_a_reader_that_was_away_for_too_long_says_so_and_goes_on(
    world: World, place: Place
) -> None:
    world.start_reader()
    wait_until(lambda: LOAD_ANEW in world.webhook.messages)
    world.wait_for(world.write(2))
    world.kill_reader()
    world.write(4)
    _delete_old_events(place)
    before = len(world.webhook.messages)
    world.start_reader()
    wait_until(lambda: LOAD_ANEW in world.webhook.messages[before:])
    world.wait_for(world.write(2))
    assert not world.webhook.has("g-4")


def _delete_old_events(place: Place) -> None:
    """Delete all but the newest, as happens after a while."""
    table = "execution_events"
    if isinstance(place, PostgresPlace):
        table = "event_ticks"
        run_sql(place, "SELECT gateway_tick()")
    run_sql(place, f"DELETE FROM {table} WHERE id < (SELECT max(id) FROM {table})")
