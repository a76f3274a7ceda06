import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from playwright.sync_api import Browser

from db.demo import fill_if_empty
from db.opening import open_database
from server.http.bundle import FOLDER
from tests.console.browser import CHROMIUM, Visit, chromium, visit
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place

DEMO_EXECUTIONS = 2000


@pytest.fixture(scope="package")
def demo(new_place: Callable[[], Place]) -> Place:
    """A database as `make run` fills it."""
    place = new_place()

    async def fill() -> None:
        database = open_database(place.url)
        await fill_if_empty(database, DEMO_EXECUTIONS)
        await database.close()

    anyio.run(fill)
    return place


@pytest.fixture(scope="package")
def browser(demo: Place) -> Iterator[Browser]:  # noqa: ARG001 - filled before a loop runs here
    """One browser for all visits."""
    missing = [
        *(["Chromium"] if CHROMIUM is None else []),
        *(
            []
            if (FOLDER / "graphiql.html").is_file()
            else ["the console, which make console builds"]
        ),
    ]
    if missing and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip(f"missing: {' and '.join(missing)}")
    assert not missing
    with chromium() as started:
        yield started


@pytest.fixture
def copy_of_demo(server: object, demo: Place, tmp_path: object) -> Place:
    """The demo for a test that changes it or makes keys."""
    place: Place = server.copy(demo, tmp_path)  # type: ignore[attr-defined]
    return place


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
def visitor(browser: Browser, demo_gateway: Gateway) -> Iterator[Visit]:
    """A visit to that gateway."""
    with visit(browser, demo_gateway.url) as visiting:
        yield visiting


@pytest.fixture
def new_key(gateway: Gateway) -> Callable[..., str]:
    """Makes keys with the scopes that are passed, which the gateway knows by then."""

    def new(*scopes: str) -> str:
        # The browser's loop runs in this thread, and leaves no room for another one.
        with ThreadPoolExecutor(1) as thread:
            key = thread.submit(make_key, gateway.place, *scopes).result()
        wait_until(lambda: _status(gateway) == 401 != _status(gateway, bearer(key)))
        return key

    return new


def _status(gateway: Gateway, headers: dict[str, str] | None = None) -> int:
    return gateway.http.get("/executions?limit=1", headers=headers).status_code
