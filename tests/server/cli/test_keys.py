"""The commands for keys, and what ``serve`` says about who may use the gateway."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from db.errors import InvalidInput
from server.cli.main import cli

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


def _run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=given)


@contextmanager
def _served(*arguments: str, **environment: str) -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port until the block ends; the URL and the lines that were printed."""
    command = [sys.executable, "app.py", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line.strip())
                if found := re.search(r"http://\S+", line):
                    yield found[0], lines
                    break
            else:
                pytest.fail("\n".join(lines))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode in (0, -signal.SIGTERM)


# keys


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "caf\udce9"], ids=ascii)
def test_a_name_that_nobody_could_read_is_refused(url: str, name: str) -> None:
    refused = CliRunner().invoke(
        cli, ["keys", "create", name, "--scope", "read", "--database", url]
    )
    assert isinstance(refused.exception, InvalidInput)
    assert refused.exception.message.startswith("name must be a text of 1 to 200 characters")


def test_a_key_is_shown_once_and_listed_without_itself(url: str) -> None:
    made = CliRunner().invoke(
        cli,
        ["keys", "create", "console", "--scope", "read", "--scope", "update", "--database", url],
    )
    key = made.stdout.strip()
    assert re.fullmatch(r"egw_[\w-]{43}", key)
    listed = _run("keys", "list", "--database", url).output
    assert key not in listed
    assert "…" not in listed
    assert all(word in listed for word in ("console", "read update", "valid", "never"))


def test_a_key_of_a_workspace_is_listed_with_it(url: str) -> None:
    for name, *more in (("all",), ("one", "--workspace", "ws [1]")):
        assert _run("keys", "create", name, "--scope", "read", *more, "--database", url).stdout
    header, *listed = _run("keys", "list", "--database", url).output.splitlines()
    at = header.index("workspace")
    assert [line[at : at + 8].strip() for line in listed] == ["", "ws [1]"]


@pytest.mark.parametrize(
    "workspace", ["", "  ", "x" * 10_001, "caf\udce9", "a\0b", "a\ufffd"], ids=ascii
)
def test_what_is_no_workspace_is_refused(url: str, workspace: str) -> None:
    """Least of all may an empty text mean all of them."""
    made = ["keys", "create", "name", "--scope", "read", "--workspace", workspace]
    refused = CliRunner().invoke(cli, [*made, "--database", url])
    assert isinstance(refused.exception, InvalidInput)
    assert refused.exception.message.startswith("workspace must be the id of a workspace")
    assert len(_run("keys", "list", "--database", url).output.splitlines()) == 1


def test_a_key_that_is_revoked_is_listed_as_such(url: str) -> None:
    _run("keys", "create", "console", "--scope", "read", "--database", url)
    assert "Key 1 is revoked" in _run("keys", "revoke", "1", "--database", url).output
    assert "revoked" in _run("keys", "list", "--database", url).output


def test_revoking_a_key_that_is_not_there_says_so(url: str) -> None:
    answered = _run("keys", "revoke", "7", "--database", url)
    assert answered.exit_code == 1


def test_a_key_can_expire(url: str) -> None:
    arguments = ["keys", "create", "short", "--scope", "read", "--database", url]
    assert _run(*arguments, "--expires-in", "90d").exit_code == 0
    assert _run(*arguments, "--expires-in", "soon").exit_code == 2
    assert _run(*arguments[:3], "--database", url).exit_code == 2
    assert _run(*arguments[:3], "--scope", "all", "--database", url).exit_code == 2


# serve


def test_with_auth_off_on_an_address_of_its_own_it_warns(url: str) -> None:
    with _served("--database", url, GATEWAY_AUTH="off") as (address, lines):
        assert httpx.get(f"{address}/executions").status_code == 200
    assert any("Keys are off (GATEWAY_AUTH=off)" in line for line in lines)


def test_with_keys_required_and_none_made_it_says_how_to_make_one(url: str) -> None:
    with _served("--database", url, GATEWAY_AUTH="keys") as (address, lines):
        assert httpx.get(f"{address}/executions").status_code == 401
    [notice] = [line for line in lines if "every request is refused; make one with" in line]
    assert notice.strip().endswith(f"keys create NAME --scope read --database {url}")
