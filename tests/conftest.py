import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test

from db.database import Database
from db.opening import open_database
from tests.gateway import Gateway, insert, migrate, running_gateway
from tests.places import Place, Server, SQLiteFiles, SQLitePlace, postgres_server
from tests.sample import SAMPLE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="what the tests keep executions in; postgres leaves out those that are about SQLite",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose what can differ from one kind of database to another.

    Coverage is not measured where it would cost much and tell nothing: of what runs the same lines
    a thousand times, and of what watches programs of their own.
    """
    kind = config.getoption("--database")
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        names = getattr(item, "fixturenames", ())
        if kind == "sqlite":
            is_chosen = item.get_closest_marker("postgres") is None
        else:
            is_chosen = "server" in names and "path" not in names
            is_chosen = is_chosen and item.get_closest_marker("sqlite") is None
        (chosen if is_chosen else others).append(item)
        if "faults" in item.path.parts or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.no_cover)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_POSTGRES_URL = os.environ.get("GATEWAY_TEST_POSTGRES_URL")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Where databases of the chosen kind are made."""
    if request.config.getoption("--database") == "sqlite":
        yield SQLiteFiles()
        return
    with postgres_server(_POSTGRES_URL) as started:
        yield started


@pytest.fixture(scope="session")
def migrated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An empty database at the newest revision, to be copied."""
    place = server.new(tmp_path_factory.mktemp("template"))

    migrate(place)
    return place


@pytest.fixture(scope="session")
def new_place(
    server: Server, migrated: Place, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Place]:
    """Makes databases that several tests share, empty and migrated."""
    return lambda: server.copy(migrated, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def place(server: Server, migrated: Place, tmp_path: Path) -> Place:
    """A database of the test's own, empty and migrated."""
    return server.copy(migrated, tmp_path)


@pytest.fixture
def path(place: Place) -> Path:
    """The file that it is in, for what is about SQLite."""
    assert isinstance(place, SQLitePlace)
    return place.path


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = open_database(place.url)
    yield opened
    await opened.close()


@pytest.fixture
def gateway(place: Place) -> Iterator[Gateway]:
    """A gateway of the test's own over an empty database."""
    with running_gateway(place) as running:
        yield running


@pytest.fixture(scope="session")
def sample_gateway(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    """A gateway over the sample, shared by tests that change nothing."""
    place = new_place()
    insert(place, SAMPLE)
    with running_gateway(place) as running:
        yield running


@pytest.fixture
def gateway_with(place: Place) -> Iterator[Callable[..., Gateway]]:
    """Start gateways over the test's own database, with the settings that are passed."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Gateway:
            return stack.enter_context(running_gateway(place, **settings))

        yield start
