"""Misspelt names of settings are rejected."""

from pathlib import Path

import pytest

from db.errors import InvalidInput
from server.operation.settings import load_settings

pytestmark = pytest.mark.usefixtures("folder")


def _refused() -> str:
    with pytest.raises(InvalidInput) as refused:
        load_settings()
    return refused.value.message


def test_an_unknown_name_in_the_environment_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_MAX_PAGESIZE", "10")
    assert _refused() == (
        "GATEWAY_MAX_PAGESIZE in the environment is not a setting; "
        "did you mean GATEWAY_MAX_PAGE_SIZE?"
    )


def test_an_unknown_name_in_the_file_is_refused_with_the_nearest_one(folder: Path) -> None:
    (folder / ".env").write_text("GATEWAY_DATABASEURL=sqlite:///runs.db\n")
    assert _refused() == (
        "GATEWAY_DATABASEURL in .env is not a setting; did you mean GATEWAY_DATABASE_URL?"
    )


def test_a_name_that_is_near_none_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_XYZZY", "1")
    assert _refused().startswith("GATEWAY_XYZZY in the environment is not a setting; README.md")


def test_every_unknown_name_is_named_and_no_value_is(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("GATEWAY_PASSWORD", "hunter2")
    (folder / ".env").write_text("GATEWAY_PROT=1\n")
    message = _refused()
    assert "GATEWAY_PASSWORD" in message
    assert "GATEWAY_PROT" in message
    assert "hunter2" not in message


def test_capitals_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("gateway_workers", "3")
    monkeypatch.setenv("Gateway_Wrokers", "4")
    assert _refused().startswith("Gateway_Wrokers in the environment is not a setting; ")
    monkeypatch.delenv("Gateway_Wrokers")
    assert load_settings().workers == 3


@pytest.mark.parametrize(
    "name",
    [
        "GATEWAY_SERVICE_HOST",
        "GATEWAY_SERVICE_PORT",
        "GATEWAY_SERVICE_PORT_HTTP",
        "GATEWAY_PORT_8000_TCP",
        "GATEWAY_PORT_8000_TCP_ADDR",
    ],
)
def test_what_kubernetes_sets_for_a_service_named_gateway_is_no_slip(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "10.0.0.1")
    load_settings()


def test_the_variables_of_other_programs_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("GATEWAYS", "1")
    (folder / ".env").write_text("DATABASE_URL=x\nSECRET=1\nnot an assignment\n")
    load_settings()


def test_a_file_that_is_no_text_is_said_so(folder: Path) -> None:
    (folder / ".env").write_bytes(b"GATEWAY_PORT=\xff\xfe\n")
    assert _refused() == ".env must be text in UTF-8"


def test_a_folder_named_env_is_no_file(folder: Path) -> None:
    (folder / ".env").mkdir()
    load_settings()
