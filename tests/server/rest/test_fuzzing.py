"""Schemathesis asks the running gateway whatever its schemas allow, and what they don't.

Seeded, so that it asks the same every time.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples import examples
from tests.gateway import Gateway, make_key, running_gateway
from tests.places import Place, SQLitePlace
from tests.sample import SAMPLE

# Schemathesis draws too, so that make test-drawn has it draw more.
pytestmark = pytest.mark.hypothesis

BOUNDS = ("--suppress-health-check", "all")
_RUN = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.fixture
def fuzzed(place: Place) -> Iterator[tuple[Gateway, str]]:
    """A gateway with executions, and a key that opens all of it."""
    key = make_key(place, "read", "update", "delete")
    with running_gateway(place, auth="keys") as gateway:
        gateway.insert(SAMPLE)
        yield gateway, key


def _schemathesis(folder: Path, gateway: Gateway, path: str, key: str, *options: str) -> None:
    # Of PostgreSQL the rows are all that differs from what was asked more often already.
    count = examples(100 if isinstance(gateway.place, SQLitePlace) else 25)
    header = f"Authorization: Bearer {key}"
    command = [sys.executable, "-c", _RUN, "run", f"{gateway.url}{path}", "-H", header]
    command += ["--seed", "1", "--max-examples", str(count), *BOUNDS, *options]
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def test_the_rest_routes_do_what_their_description_says(
    fuzzed: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = fuzzed
    _schemathesis(tmp_path, gateway, "/openapi.json", key)
    assert gateway.http.get("/readyz").status_code == 200


def test_no_graphql_operation_makes_the_gateway_fail(
    fuzzed: tuple[Gateway, str], tmp_path: Path
) -> None:
    gateway, key = fuzzed
    # GraphQL's types can't say that first must be at most so much, or not beside last.
    options = ["--phases", "fuzzing", "--exclude-checks", "positive_data_acceptance"]
    _schemathesis(tmp_path, gateway, "/graphql", key, *options)
    assert gateway.http.get("/readyz").status_code == 200
