"""The audits of the npm package graphql-http: what GraphQL over HTTP asks for, one by one.

``make test`` installs them beside ``tests/audits/audit.mjs`` where npm is; elsewhere they are
left out, unless ``REQUIRE_NODE`` is set.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gateway import make_key, running_gateway
from tests.places import Place

FOLDER = Path(__file__).parents[2] / "audits"
MISSING = not (shutil.which("node") and (FOLDER / "node_modules").is_dir())


@pytest.mark.skipif(
    MISSING and not os.environ.get("REQUIRE_NODE"),
    reason="the audits need Node and npm: install them, then run make test again",
)
def test_every_audit_of_graphql_over_http_passes(place: Place) -> None:
    key = make_key(place, "read", "update", "delete")
    with running_gateway(place, auth="keys") as gateway:
        printed = subprocess.run(
            ["node", "audit.mjs", f"{gateway.url}/graphql", f"Bearer {key}"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    results = json.loads(printed)
    assert len(results) > 50
    assert [each for each in results if each["status"] != "ok"] == []
