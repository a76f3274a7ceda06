"""A Flowise that is upgraded, and written to from both sides, while the gateway is attached."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.faults.programs import ROOT, Program
from tests.flowise import sides
from tests.flowise.dump import dump, rows, schema
from tests.flowise.flows import FAILURE, FLOWS, WAITS_AT
from tests.flowise.package import NEW, OLD, VERSIONS
from tests.flowise.process import Flowise, running_flowise
from tests.places import Place, SQLitePlace

_LONGEST = 120
_MIGRATIONS = "SELECT name FROM migrations ORDER BY name"


@dataclass(frozen=True)
class Setting:
    """Where Flowise is installed and what it writes to."""

    packages: Path
    folder: Path
    place: Place
    database: Mapping[str, str]
    unattached: "Callable[[], Setting]"
    """Makes another database that is to become the same, without the gateway."""

    def running(self, package: str = NEW) -> contextlib.AbstractContextManager[Flowise]:
        return running_flowise(self.packages, self.folder, self.database, package)


def say(fact: str) -> None:
    """Print what has been seen to hold."""
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


def command(database: str, *arguments: str) -> str:
    """Run the gateway's command line, which must succeed; returns what it says."""
    ran = subprocess.run(
        [sys.executable, ROOT / "app.py", *arguments, "--database", database],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@contextlib.contextmanager
def served(place: Place, auth: str = "off") -> Iterator[Program]:
    """A gateway until the block ends, which then ends as if it were told to."""
    gateway = Program(place.url, auth=auth)
    try:
        yield gateway
    finally:
        gateway.terminate()
        gateway.wait()


def expect_equal(place: Place, what: str) -> None:
    """Wait until both sides are equal."""
    began = time.monotonic()
    wait_for(lambda: not sides.differences(place), lambda: "\n".join(sides.differences(place)))
    waited = time.monotonic() - began
    later = f", {waited:.0f} s later" if waited > 1 else ""
    say(f"equal: {len(sides.of_gateway(place))} executions after {what}{later}")


def wait_for(is_so: Callable[[], bool], why: Callable[[], str]) -> None:
    end = time.monotonic() + _LONGEST
    while not is_so():
        assert time.monotonic() < end, why()
        time.sleep(0.2)


def tell(setting: Setting) -> None:
    """Run all of it on a fresh database."""
    place = setting.place
    with setting.running(OLD) as old:
        for name, data in FLOWS.items():
            old.create_flow(name, data)
        _run_flows(old, "before")
        unattached = setting.unattached()
        before = dump(place)
        say(command(place.url, "attach", "flowise", "--check").strip())
        assert dump(place) == before, "--check has changed something"
        say(command(place.url, "attach", "flowise").strip())
        expect_equal(place, f"attaching {VERSIONS[OLD]} while it runs")
        with served(place) as gateway:
            _run_flows(old, "attached")
            expect_equal(place, "further runs")
            flows = old.flows
            old.stop()
            _upgrade(setting, gateway, flows)
    with unattached.running() as other:
        other.register()  # whereupon it makes its table of sessions
        expected, migrations = schema(unattached.place), sides.run(unattached.place, _MIGRATIONS)
    attached = rows(place)
    say(command(place.url, "detach", "flowise", "--yes").strip())
    left = rows(place)
    assert sides.run(place, _MIGRATIONS) == migrations
    assert schema(place) == expected, set(schema(place)) ^ set(expected)
    assert left == {name: attached[name] for name in left}
    say(f"detached: the same schema and rows as without the gateway, in {len(left)} tables")


def _run_flows(flowise: Flowise, chat: str) -> None:
    answers = {name: flowise.run(name, f"{chat}-{name}") for name in FLOWS if name != "slow"}
    assert answers.pop("failure").status_code == 500
    for name, answer in answers.items():
        assert answer.is_success, (name, answer.text)


def _upgrade(setting: Setting, gateway: Program, flows: dict[str, str]) -> None:
    place = setting.place
    with setting.running(NEW) as flowise:
        flowise.flows.update(flows)
        say(f"upgraded to {VERSIONS[NEW]} while attached")
        expect_equal(place, "the upgrade")
        workspace = flowise.register()
        expect_equal(place, "the first account, which moves all executions into its workspace")
        assert {row.workspace_id for row in sides.of_gateway(place).values()} == {workspace}
        _run_flows(flowise, "upgraded")
        expect_equal(place, "runs of the new version")
        _from_both_sides(place, flowise, gateway)
        _imported(setting, flowise)
        _nonsense(place, flowise)
        _crowd(place, flowise, gateway)
        gateway.terminate()
        gateway.wait()
        _without_gateway(place, flowise)


def _newest(flowise: Flowise, flow: str) -> str:
    guid: str = flowise.executions(agentflowId=flowise.flows[flow], limit=1)[0]["id"]
    return guid


def _from_both_sides(place: Place, flowise: Flowise, gateway: Program) -> None:
    waiting = _newest(flowise, "human")
    answer = {"type": "proceed", "startNodeId": WAITS_AT, "feedback": "fine"}
    assert flowise.run("human", "upgraded-human", humanInput=answer).is_success
    assert flowise.execution(waiting)["state"] == "FINISHED"
    expect_equal(place, "a person's answer")

    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(flowise.run, "slow", "stopped")
        wait_for(lambda: bool(flowise.executions(state="INPROGRESS")), lambda: "it does not run")
        flowise.abort("slow", "stopped")
        assert slow.result().status_code == 500
    assert flowise.execution(_newest(flowise, "slow"))["state"] == "TERMINATED"
    expect_equal(place, "an abort")

    client = httpx.Client(base_url=gateway.url, timeout=60)
    guid = _newest(flowise, "short")
    for state in ("STOPPED", "ERROR"):
        assert client.put(f"/executions/{guid}", json={"state": state}).is_success
        assert flowise.execution(guid)["state"] == state
    assert flowise.execution(guid)["stoppedDate"]
    expect_equal(place, "states that the gateway has changed")

    assert client.delete(f"/executions/{guid}").is_success
    messages = sides.run(
        place, f"SELECT id FROM chat_message WHERE CAST(\"executionId\" AS text) = '{guid}'"
    )
    assert messages == []
    assert guid not in sides.of_flowise(place)
    expect_equal(place, "a deletion at the gateway")

    flowise.delete(_newest(flowise, "success"), _newest(flowise, "failure"))
    flowise.delete_messages("iteration")
    expect_equal(place, "deletions of executions and of messages in Flowise")
    flowise.import_again()
    expect_equal(place, "an import into Flowise")
    flowise.delete_flow("iteration")
    expect_equal(place, "the deletion of a flow")

    page = client.get("/executions", params={"page": 1, "limit": 50})
    assert int(page.headers["x-total-count"]) == len(sides.of_flowise(place))
    _content(client)
    client.close()


def _content(client: httpx.Client) -> None:
    """The content of an execution is read from Flowise's own row, and found by its error."""
    failed = client.post(
        "/graphql",
        json={
            "query": "query ($text: String!) { executions(first: 1, filter: {error: {contains:"
            " $text}}) { nodes { error data steps { label status error } } } }",
            "variables": {"text": FAILURE},
        },
    ).json()["data"]["executions"]["nodes"][0]
    assert FAILURE in failed["error"]
    assert [step["status"] for step in failed["steps"]] == ["FINISHED", "ERROR"]
    assert failed["data"][1]["nodeLabel"] == failed["steps"][1]["label"] == "Look up"
    say("the content of an execution that failed is found by its error")


def _imported(setting: Setting, flowise: Flowise) -> None:
    """A database of the gateway's own gets the same by Flowise's REST list."""
    own = SQLitePlace(setting.folder / "imported.db")
    url, key = f"{flowise.url}/api/v1/executions", f"Authorization: Bearer {flowise.make_key()}"
    command(own.url, "import", url, "--header", key)
    imported, expected = sides.of_gateway(own), sides.of_flowise(setting.place)
    assert {guid: row.state for guid, row in imported.items()} == {
        guid: row.state for guid, row in expected.items()
    }
    say(f"imported over REST: {len(imported)} executions")


def _nonsense(place: Place, flowise: Flowise) -> None:
    """Flowise stores any state that a client sends; what is left out comes back when put right."""
    guid = _newest(flowise, "short")
    flowise.update(guid, state="NONSENSE")
    assert guid not in sides.of_gateway(place)
    expect_equal(place, "a state that is none")
    flowise.update(guid, state="FINISHED", isPublic=True)
    assert guid in sides.of_gateway(place)
    expect_equal(place, "its correction")


def _crowd(place: Place, flowise: Flowise, gateway: Program) -> None:
    """Both write at once, and neither is ever refused.

    Flowise runs one flow after the other: on SQLite it refuses some of many at once even alone.
    """
    refused: list[str] = []
    ended = threading.Event()

    def change(number: int) -> None:
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            while not ended.is_set():
                for guid in list(sides.of_gateway(place))[number::2]:
                    answer = client.put(f"/executions/{guid}", json={"state": "TIMEOUT"})
                    if not answer.is_success and answer.status_code != 404:
                        refused.append(f"the gateway: {answer.text}")

    with ThreadPoolExecutor(2) as threads:
        changes = [threads.submit(change, number) for number in range(2)]
        for number in range(50):
            answer = flowise.run("short", f"crowd-{number}")
            if not answer.is_success:
                refused.append(f"Flowise: {answer.text[:300]}")
        ended.set()
        for each in changes:
            each.result()
    assert not refused, refused
    expect_equal(place, "runs beside changes by the gateway, none of which was refused")


def _without_gateway(place: Place, flowise: Flowise) -> None:
    """What Flowise writes while no gateway runs is there when one comes back."""
    assert flowise.run("success", "alone").is_success
    assert flowise.run("failure", "alone").status_code == 500
    expect_equal(place, "runs while no gateway is there")
    with served(place) as gateway:
        answer = httpx.get(f"{gateway.url}/readyz", timeout=60)
        assert answer.is_success, answer.text
        say(f"ready: {answer.text}")
        assert answer.json()["flowise"]["executions"]["difference"] == 0
