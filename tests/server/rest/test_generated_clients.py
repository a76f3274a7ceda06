"""Clients that are generated from the OpenAPI description, used against a running gateway."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.installed import (
    FOLDER,
    MODULES,
    PROGRAMS,
    PYTHON,
    STRICT_TYPESCRIPT,
    needs_node_clients,
    needs_python_clients,
    run,
)
from tests.gateway import Gateway, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE


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


@needs_python_clients
def test_a_generated_python_client_does_what_it_promises(
    served: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = served
    config = tmp_path / "config.json"
    config.write_text('{"post_hooks": []}')
    client = tmp_path / "executions_client"
    run(
        *(PYTHON / "openapi-python-client", "generate", "--url", f"{gateway.url}/openapi.json"),
        *("--meta", "none", "--fail-on-warning", "--config", config, "--output-path", client),
    )
    program = FOLDER / "use_client.py"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    got = json.loads(run(PYTHON / "python", program, _url(gateway), key, env=environment))
    _expect(got)
    assert got["unauthenticated"] == "UNAUTHENTICATED"
    assert 0 < got["since"] < got["on the day"] == len(SAMPLE)


@needs_node_clients
def test_a_generated_typescript_client_does_what_its_types_promise(
    served: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = served
    (tmp_path / "node_modules").symlink_to(MODULES)
    shutil.copy(FOLDER / "package.json", tmp_path)
    shutil.copy(FOLDER / "use_client.ts", tmp_path)
    schema = tmp_path / "schema.d.ts"
    run(PROGRAMS / "openapi-typescript", f"{gateway.url}/openapi.json", "--output", schema)
    run(PROGRAMS / "tsc", *STRICT_TYPESCRIPT, "use_client.ts", cwd=tmp_path)
    got = json.loads(run("node", "use_client.js", _url(gateway), key, cwd=tmp_path))
    _expect(got)
    # The names, the executions, and nothing after the last line end.
    assert got["lines of csv"] == 1 + len(SAMPLE) + 1
