"""Clients that are generated from the OpenAPI description, used against a running gateway.

``make test`` installs what generates them (``make clients``): for Python always, for TypeScript
where npm is. Elsewhere they are left out, unless ``REQUIRE_CLIENTS`` or
``REQUIRE_NODE`` is set.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Gateway, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE

FOLDER = Path(__file__).parents[2] / "clients"
PYTHON = Path(sys.prefix) / "clients" / "bin"
MODULES = FOLDER / "node_modules"
NO_NODE = not (shutil.which("node") and MODULES.is_dir())


@pytest.fixture
def served(place: Place) -> Iterator[tuple[Gateway, str]]:
    """A gateway behind a prefix, with the sample, and a key that opens all of it."""
    key = make_key(place, "read", "update", "delete")
    with running_gateway(place, auth="keys", rest_prefix="/api/v1") as gateway:
        gateway.insert(SAMPLE)
        yield gateway, key


def _url(gateway: Gateway) -> str:
    [server] = gateway.http.get("/openapi.json").json()["servers"]
    return f"{gateway.url}{server['url']}"


def _run(*command: str | Path, **options: Any) -> str:
    run: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout


def _expect(got: dict[str, Any]) -> None:
    wanted = [row for row in SAMPLE if row.state in ("ERROR", "TIMEOUT")]
    one = next(row for row in SAMPLE if row.guid == "guid-01")
    assert got["all"] == len(SAMPLE)
    assert got["states"] == ["ERROR", "TIMEOUT"]
    assert (got["page"], got["total"]) == (3, str(len(wanted)))
    assert got["one"] == {
        "id": one.id,
        "guid": one.guid,
        "agentflowId": one.agentflow_id,
        "agentflowName": one.agentflow_name,
        "sessionId": one.session_id,
        "state": one.state,
        "created_on": one.created_on,
    }
    assert got["missing"] == "NOT_FOUND"
    assert got["refused"][0] == 400
    assert got["refused"][1].startswith("limit must be a whole number")
    assert got["updated"] == "STOPPED"
    assert got["deleted"] == {"raw": [], "affected": 1}
    assert got["many deleted"] == 2


@pytest.mark.skipif(
    not PYTHON.is_dir() and not os.environ.get("REQUIRE_CLIENTS"),
    reason="generated clients need what make clients installs",
)
def test_a_generated_python_client_does_what_it_promises(
    served: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = served
    config = tmp_path / "config.json"
    config.write_text('{"post_hooks": []}')
    client = tmp_path / "executions_client"
    _run(
        *(PYTHON / "openapi-python-client", "generate", "--url", f"{gateway.url}/openapi.json"),
        *("--meta", "none", "--fail-on-warning", "--config", config, "--output-path", client),
    )
    program = FOLDER / "use_client.py"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    got = json.loads(_run(PYTHON / "python", program, _url(gateway), key, env=environment))
    _expect(got)
    assert got["unauthenticated"] == "UNAUTHENTICATED"
    assert 0 < got["since"] < got["on the day"] == len(SAMPLE)


@pytest.mark.skipif(
    NO_NODE and not os.environ.get("REQUIRE_NODE"),
    reason="generated clients need Node and npm: install them, then run make test again",
)
def test_a_generated_typescript_client_does_what_its_types_promise(
    served: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = served
    (tmp_path / "node_modules").symlink_to(MODULES)
    shutil.copy(FOLDER / "package.json", tmp_path)
    shutil.copy(FOLDER / "use_client.ts", tmp_path)
    programs = MODULES / ".bin"
    schema = tmp_path / "schema.d.ts"
    _run(programs / "openapi-typescript", f"{gateway.url}/openapi.json", "--output", schema)
    strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    _run(programs / "tsc", *strict, "--skipLibCheck", "use_client.ts", cwd=tmp_path)
    _expect(json.loads(_run("node", "use_client.js", _url(gateway), key, cwd=tmp_path)))
