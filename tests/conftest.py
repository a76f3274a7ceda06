import functools
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

from db.database import Database
from db.opening import open_database
from resolvers.schema import build_schema
from tests.examples import THOROUGH
from tests.flowise_tables import create_flowise
from tests.gateway import Gateway, insert, migrate, running_gateway
from tests.places import Place, Server, SQLiteFiles, SQLitePlace, postgres_server
from tests.sample import SAMPLE

KINDS = ("sqlite", "postgres")

settings.register_profile(THOROUGH)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=(*KINDS, "both"),
        default="sqlite",
        help="what the tests keep executions in; postgres runs only those that can differ on it",
    )


def _asked_for(config: pytest.Config) -> tuple[str, ...]:
    asked = config.getoption("--database")
    return KINDS if asked == "both" else (asked,)


def _kinds_of(test: pytest.Item, names: Collection[str]) -> set[str]:
    """Return the kinds of database that a test runs on; tests without one run with SQLite's."""
    if test.get_closest_marker("postgres"):
        return {"postgres"} if "server" in names else set()
    if "server" not in names or "path" in names or test.get_closest_marker("sqlite"):
        return {"sqlite"}
    return set(KINDS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each requested kind of database that it concerns."""
    if "server" in metafunc.fixturenames:
        kinds = _kinds_of(metafunc.definition, metafunc.fixturenames)
        asked = _asked_for(metafunc.config)
        chosen = [kind for kind in asked if kind in kinds]
        # One that is about neither is deselected below.
        metafunc.parametrize("server", chosen or asked[:1], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests that concern none of the requested databases.

    Coverage is not measured where it would cost much and show nothing: in tests that run the same
    lines a thousand times, that watch separate programs, or that ran on SQLite already.
    """
    asked = set(_asked_for(config))
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        kinds = _kinds_of(item, getattr(item, "fixturenames", ()))
        callspec = getattr(item, "callspec", None)
        kind = callspec.params.get("server") if callspec else None
        (chosen if kinds & ({kind} if kind else asked) else others).append(item)
        has_run_on_sqlite = kind == "postgres" and kinds == set(KINDS)
        is_drawn = is_hypothesis_test(getattr(item, "obj", None))
        if "faults" in item.path.parts or has_run_on_sqlite or is_drawn:
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


@pytest.fixture(scope="session", autouse=True)
def _one_schema() -> Iterator[None]:
    """Build the schema once for all gateways of this process: requests do not change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.build_schema", functools.cache(build_schema))
        yield


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Server]:
    with postgres_server(_POSTGRES_URL) as started:
        yield started


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """Creates databases of one kind."""
    # What asks for it only while it runs has it of the first kind.
    kind = getattr(request, "param", _asked_for(request.config)[0])
    # PostgreSQL is started when it is first asked for, and outlasts changes between the kinds.
    return SQLiteFiles() if kind == "sqlite" else request.getfixturevalue("_postgres")


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
    """Creates databases that several tests share, empty and migrated."""
    return lambda: server.copy(migrated, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def place(server: Server, migrated: Place, tmp_path: Path) -> Iterator[Place]:
    """A new database for one test, empty and migrated."""
    copied = server.copy(migrated, tmp_path)
    yield copied
    server.drop(copied)


@pytest.fixture
def flowise(server: Server, tmp_path: Path) -> Iterator[Place]:
    """A new database of Flowise's, empty, which no gateway knows."""
    created = server.new(tmp_path)
    create_flowise(created)
    yield created
    server.drop(created)


@pytest.fixture
def path(place: Place) -> Path:
    """The file of the database, for tests of SQLite."""
    assert isinstance(place, SQLitePlace)
    return place.path


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = open_database(place.url)
    yield opened
    await opened.close()


@pytest.fixture
def gateway(place: Place) -> Iterator[Gateway]:
    """A new gateway for one test, over an empty database."""
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
    """Starts gateways over the test's database, with given settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Gateway:
            return stack.enter_context(running_gateway(place, **settings))

        yield start
