"""A killed gateway loses no acknowledged write, and leaves none half done."""

import random
import time
from pathlib import Path

import pytest

from tests.faults.programs import Clients, program, start
from tests.faults.writes import Writers, assert_totals_are_true, fill
from tests.gateway import run_sql
from tests.places import Place

EACH = 8_000
IMPORTED = 60_000


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.load)])
def test_killed_again_and_again_while_it_writes(place: Place, kills: int) -> None:
    count = EACH * kills
    fill(place, count)
    chance = random.Random(7)
    urls = [""]
    writers = Writers(lambda: urls[0], count)
    for _ in range(kills):
        with program(place) as running:
            urls[0] = running.url
            clients = Clients(8, writers.ask)
            time.sleep(0.3 + chance.random() / 2)
            running.kill()
            clients.stop()
        writers.check(place)
    assert writers.acknowledged > 10 * kills
    with program(place) as running:
        assert_totals_are_true(running.url, place)


def test_a_killed_import_leaves_nothing_and_works_the_next_time(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "executions.csv"
    lines = (f"g-{n},flow-{n % 5},FINISHED,{1_700_000_000_000 + n}" for n in range(IMPORTED))
    file.write_text("guid,agentflow_id,state,created_on\n" + "\n".join(lines))
    chance = random.Random(7)
    for _ in range(3):
        with start("import", str(file), "--database", place.url) as importing:
            time.sleep(1 + chance.random())
            importing.kill()
        assert run_sql(place, "SELECT count(*) FROM executions") in ([(0,)], [(IMPORTED,)])
    with start("import", str(file), "--database", place.url) as importing:
        assert importing.wait() == 0
    assert run_sql(place, "SELECT count(*) FROM executions") == [(IMPORTED,)]
    with program(place) as running:
        assert_totals_are_true(running.url, place)
