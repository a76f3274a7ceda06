"""Two worlds that a module shares, filled anew for each of its tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.places import Place
from tests.workspaces.worlds import Worlds, running_worlds


@pytest.fixture(scope="module")
def running(new_place: Callable[[], Place]) -> Iterator[Worlds]:
    with running_worlds(new_place, max_event_cost=10**9, max_cost=10**9) as worlds:
        yield worlds


@pytest.fixture
def worlds(running: Worlds) -> Worlds:
    running.fill()
    return running
