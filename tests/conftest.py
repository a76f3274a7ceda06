import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from db.engine import Database
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.gateway import Gateway, insert, running_gateway
from tests.sample import SAMPLE


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"

    async def migrate() -> None:
        database = open_database(f"sqlite:///{path}")
        await upgrade(database)
        await database.close()

    anyio.run(migrate)
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """A database file of the test's own, empty and migrated."""
    return Path(shutil.copy(migrated, tmp_path / "executions.db"))


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    opened = open_database(f"sqlite:///{path}")
    yield opened
    await opened.close()


@pytest.fixture
def gateway(path: Path) -> Iterator[Gateway]:
    """A gateway of the test's own over an empty database."""
    with running_gateway(path) as running:
        yield running


@pytest.fixture(scope="session")
def sample_gateway(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway over the sample, shared by tests that change nothing."""
    path = Path(shutil.copy(migrated, tmp_path_factory.mktemp("sample") / "executions.db"))
    insert(path, SAMPLE)
    with running_gateway(path) as running:
        yield running


@pytest.fixture
def gateway_with(path: Path) -> Iterator[Callable[..., Gateway]]:
    """Start gateways over the test's own database, with the settings that are passed."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Gateway:
            return stack.enter_context(running_gateway(path, **settings))

        yield start
