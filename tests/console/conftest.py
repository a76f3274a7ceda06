import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from playwright.sync_api import Browser

from db.demo import fill_if_empty
from db.opening import open_database
from server.http.bundle import FOLDER
from tests.console.browser import CHROMIUM, chromium
from tests.console.console_page import ConsolePage
from tests.console.graphiql import GraphiQL
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, migrate, running_gateway
from tests.places import Place, Server, SQLiteFiles, SQLitePlace

DEMO_EXECUTIONS = 2_000
COPIES = 50
"""How many of each of the demo's executions there are in a hundred thousand."""
# Those of one execution begin a millisecond after each other.
_COPY_EACH = """
    INSERT INTO executions
      (guid, agentflow_id, session_id, state, created_on, updated_on, finished_on)
    WITH RECURSIVE copies (number) AS
      (VALUES (1) UNION ALL SELECT number + 1 FROM copies WHERE number < ?)
    SELECT guid || '-' || number, agentflow_id, session_id, state,
      created_on + number, updated_on + number, finished_on + number
    FROM executions CROSS JOIN copies
"""


@pytest.fixture(scope="package")
def demo(new_place: Callable[[], Place]) -> Place:
    """A database as `make run` fills it."""
    place = new_place()
    _fill(place, DEMO_EXECUTIONS)
    return place


def _fill(place: Place, count: int) -> None:
    async def fill() -> None:
        database = open_database(place.url)
        await fill_if_empty(database, count)
        await database.close()

    anyio.run(fill)


@pytest.fixture(scope="session")
def filled_with_many(tmp_path_factory: pytest.TempPathFactory) -> SQLitePlace:
    """A database of a hundred thousand executions, made once for all processes of the tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = SQLitePlace(folder / "many.db")
    with (folder / "many.lock").open("w") as lock, ThreadPoolExecutor(1) as thread:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.path.exists():
            making = SQLitePlace(folder / "many.db.making")
            # The browser's loop may run in this thread, and leaves no room for another one.
            thread.submit(migrate, making).result()
            thread.submit(_fill, making, DEMO_EXECUTIONS).result()
            making.run(_COPY_EACH, [(COPIES - 1,)])
            making.path.rename(made.path)
    return made


@pytest.fixture(scope="package")
def many_gateway(
    filled_with_many: SQLitePlace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway over a hundred thousand executions, for tests that change nothing."""
    with running_gateway(
        SQLiteFiles().copy(filled_with_many, tmp_path_factory.mktemp("many"))
    ) as it:
        yield it


@pytest.fixture(scope="package")
def browser(demo: Place) -> Iterator[Browser]:  # noqa: ARG001 - filled before a loop runs here
    """One browser for all visits."""
    missing = [
        *(["Chromium"] if CHROMIUM is None else []),
        *([] if (FOLDER / "index.html").is_file() else ["the console, which make console builds"]),
    ]
    if missing and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip(f"missing: {' and '.join(missing)}")
    assert not missing
    with chromium() as started:
        yield started


@pytest.fixture
def copy_of_demo(server: Server, demo: Place, tmp_path: Path) -> Place:
    """The demo for a test that changes it or makes keys."""
    return server.copy(demo, tmp_path)


@pytest.fixture
def gateway(copy_of_demo: Place) -> Iterator[Gateway]:
    """A gateway of the test's own over the demo."""
    with running_gateway(copy_of_demo) as running:
        yield running


@pytest.fixture(scope="package")
def demo_gateway(demo: Place) -> Iterator[Gateway]:
    """A gateway over the demo, for tests that change nothing."""
    with running_gateway(demo) as running:
        yield running


@pytest.fixture
def open_console(browser: Browser) -> Iterator[Callable[..., ConsolePage]]:
    """Begins visits to the consoles of gateways, with options such as ``color_scheme``.

    In the end nothing may have gone wrong on their pages, nor another host have been asked.
    """
    visits: list[ConsolePage] = []
    with ExitStack() as stack:

        def begin(gateway: Gateway, **options: Any) -> ConsolePage:
            visiting = stack.enter_context(ConsolePage.begin(browser, gateway.url, **options))
            visits.append(visiting)
            return visiting

        yield begin
        for each in visits:
            each.expect_no_complaints()


@pytest.fixture
def console_page(open_console: Callable[..., ConsolePage], demo_gateway: Gateway) -> ConsolePage:
    """A visit to the console over the demo, for tests that change nothing."""
    return open_console(demo_gateway)


@pytest.fixture
def visiting(open_console: Callable[..., ConsolePage], gateway: Gateway) -> ConsolePage:
    """A visit to the console over a demo of the test's own."""
    return open_console(gateway)


@pytest.fixture
def visitor(browser: Browser, demo_gateway: Gateway) -> Iterator[GraphiQL]:
    """A visit to that gateway."""
    with GraphiQL.begin(browser, demo_gateway.url) as visiting:
        yield visiting


@pytest.fixture
def new_key(gateway: Gateway) -> Callable[..., str]:
    """Makes keys with the scopes that are passed, and perhaps for one ``workspace``.

    The gateway knows them by then.
    """

    def new(*scopes: str, workspace: str | None = None) -> str:
        # The browser's loop runs in this thread, and leaves no room for another one.
        with ThreadPoolExecutor(1) as thread:
            made = thread.submit(make_key, gateway.place, *scopes, workspace=workspace)
            key = made.result()
        wait_until(lambda: _status(gateway) == 401 != _status(gateway, bearer(key)))
        return key

    return new


def _status(gateway: Gateway, headers: dict[str, str] | None = None) -> int:
    return gateway.http.get("/executions?limit=1", headers=headers).status_code
