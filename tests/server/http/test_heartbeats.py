"""Signs of life, for many connections by one timer."""

import asyncio
from collections.abc import Callable

import pytest

from server.http.heartbeats import Heartbeats
from tests.waiting import until

pytestmark = pytest.mark.anyio


class _Beating:
    def __init__(self, on_beat: Callable[[], object] = lambda: None) -> None:
        self.beats = 0
        self._on_beat = on_beat

    def beat(self) -> None:
        self.beats += 1
        self._on_beat()


async def test_each_of_many_gets_one_beat_after_the_other() -> None:
    heartbeats = Heartbeats(0.1)
    many = [_Beating() for _ in range(1000)]
    for each in many:
        heartbeats.add(each)
    await until(lambda: all(each.beats >= 3 for each in many))
    assert max(each.beats for each in many) - min(each.beats for each in many) <= 2


async def test_what_is_discarded_gets_none_though_it_is_its_beat_that_does_it() -> None:
    heartbeats = Heartbeats(0.01)
    once = _Beating(lambda: heartbeats.discard(once))
    often = _Beating()
    heartbeats.add(once)
    heartbeats.add(often)
    await until(lambda: often.beats >= 3)
    assert once.beats == 1


async def test_without_connections_no_timer_runs() -> None:
    heartbeats = Heartbeats(0.01)
    one = _Beating()
    heartbeats.add(one)
    heartbeats.discard(one)
    assert heartbeats._timer is None
    heartbeats.add(one)
    await until(lambda: one.beats >= 1)
    heartbeats.discard(one)
    await asyncio.sleep(0)
    assert heartbeats._timer is None
