"""The image and compose.yaml, as far as they can be tested without a container engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.operation.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def gateway() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["gateway"]


def test_a_password_of_any_characters_is_outside_of_the_url(gateway: Any) -> None:
    environment = gateway["environment"]
    assert "PASSWORD" not in environment["GATEWAY_DATABASE_URL"]
    assert environment["PGPASSWORD"] == "${POSTGRES_PASSWORD}"


def test_each_gateway_has_a_port_of_its_own(gateway: Any) -> None:
    [published] = gateway["ports"]
    match = re.fullmatch(r"127\.0\.0\.1:(\d+)-(\d+):\$\{GATEWAY_PORT:-8000\}", published)
    assert match
    assert int(match[2]) > int(match[1])
    assert "container_name" not in gateway


def test_every_setting_that_compose_names_is_one(gateway: Any) -> None:
    names = {name for name in gateway["environment"] if name.startswith("GATEWAY_")}
    assert names <= {f"GATEWAY_{name.upper()}" for name in Settings.model_fields}


def test_the_image_runs_and_checks_the_installed_command() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert 'ENTRYPOINT ["executions-gateway"]' in dockerfile
    [check] = re.findall(r"^HEALTHCHECK .*CMD (.*)$", dockerfile, re.MULTILINE)
    assert check == '["executions-gateway", "health"]'


def test_what_the_image_is_built_from_reaches_the_build() -> None:
    let_in = (ROOT / ".dockerignore").read_text("utf-8")
    for name in ("LICENSE", "README.md", "app.py", "constraints.txt", "pyproject.toml"):
        assert f"!{name}\n" in let_in
