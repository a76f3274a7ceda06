"""What the terminal says about a database that can't be opened."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url

from server.cli.diagnosis import diagnose
from tests.places import Place

AS_ROOT = os.geteuid() == 0


def _diagnosed(url: str) -> str | None:
    return asyncio.run(diagnose(url))


def _of(path: Path) -> str:
    said = _diagnosed(f"sqlite:///{path}")
    assert said is not None
    return said


def test_nothing_is_said_of_a_database_that_is_well(place: Place) -> None:
    assert _diagnosed(place.url) is None


def test_nothing_is_said_of_a_file_that_can_be_made(tmp_path: Path) -> None:
    assert _diagnosed(f"sqlite:///{tmp_path}/new.db") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert _of(missing / "runs.db") == (
        f"The folder {missing} does not exist; make it, or name another file with "
        "--database sqlite:///FILE"
    )


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = _of(tmp_path / "file" / "runs.db")
    assert said.startswith(f"{tmp_path / 'file'} is a file and not a folder; ")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert (_of(tmp_path)).startswith(f"{tmp_path} is a folder; name a file in it")


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_text("guid,state\n" * 100)
    assert (_of(file)).startswith(f"{file} is not an SQLite database and was not changed")
    assert file.read_text() == "guid,state\n" * 100


def test_an_encrypted_or_damaged_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_bytes(b"SQLite format 3\0" + b"\x5a" * 4080)
    assert (_of(file)).startswith(f"{file} is damaged or encrypted; put a backup in its")


@pytest.mark.skipif(AS_ROOT, reason="root may read and write everything")
@pytest.mark.parametrize(("mode", "verb"), [(0o000, "read"), (0o444, "written")])
def test_a_file_without_the_rights_is_named(tmp_path: Path, mode: int, verb: str) -> None:
    file = tmp_path / "runs.db"
    sqlite3.connect(file).execute("CREATE TABLE t (a)")
    file.chmod(mode)
    assert (_of(file)).startswith(f"{file} can't be {verb} by this user; ")


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    said = _of(tmp_path / "runs.db")
    tmp_path.chmod(0o755)
    assert said.startswith(f"The folder {tmp_path} can't be written by this user, and SQLite ")


def test_a_server_that_does_not_listen_is_named_without_the_password() -> None:
    said = _diagnosed("postgresql://someone:hunter2@127.0.0.1:1/runs")
    assert said is not None
    assert said.startswith("PostgreSQL at 127.0.0.1:1 can't be reached (Connection refused); ")
    assert "hunter2" not in said


def test_a_host_that_is_not_known_is_named() -> None:
    said = _diagnosed("postgresql://someone@postgres.invalid/runs")
    assert said is not None
    assert said.startswith("PostgreSQL at postgres.invalid:5432 can't be reached (no such host); ")


@pytest.mark.postgres
def test_a_database_that_is_missing_is_named(place: Place) -> None:
    url = make_url(place.url).set(database="missing")
    said = _diagnosed(url.render_as_string(hide_password=False))
    assert said is not None
    assert "has no database missing; create it: createdb missing" in said
