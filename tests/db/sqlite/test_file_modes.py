"""Only the owner can read a database file that the gateway creates."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.executions import Executions
from db.migrations.upgrade import upgrade
from db.models import ExecutionState
from db.opening import open_database

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def _everybody_may_read() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.glob("*.db*")}


async def _modes_in_use(url: str, folder: Path) -> dict[str, int]:
    database = open_database(url)
    try:
        await upgrade(database)
        await Executions(database).update(["nobody"], ExecutionState.ERROR)
        return _modes(folder)
    finally:
        await database.close()


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
async def test_a_file_that_the_gateway_makes_is_its_owners_alone(tmp_path: Path, form: str) -> None:
    modes = await _modes_in_use(form.format(tmp_path / "new.db"), tmp_path)
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


async def test_a_file_that_a_link_leads_to_is_too(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "new.db")
    modes = await _modes_in_use(f"sqlite:///{tmp_path / 'link'}", tmp_path)
    assert modes["new.db"] == 0o600


async def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch(0o640)
    modes = await _modes_in_use(f"sqlite:///{tmp_path / 'old.db'}", tmp_path)
    assert modes == {"old.db": 0o640, "old.db-wal": 0o640, "old.db-shm": 0o640}
