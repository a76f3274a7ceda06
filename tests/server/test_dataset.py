"""Import a file of two thousand executions, and compare responses with the file."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db.errors import InvalidInput
from db.source import ExecutionRow
from server.cli.main import cli
from tests.gateway import Gateway, run_sql, running_gateway
from tests.places import Place
from tests.reference import ordered
from tests.sample import as_kept

FILE = Path(__file__).parents[1] / "data" / "executions-2000.csv"


def _rows() -> list[ExecutionRow]:
    with FILE.open(newline="") as file:
        return [
            ExecutionRow(
                id=int(row["id"]),
                guid=row["guid"],
                agentflow_id=row["agentflow_id"],
                agentflow_name=row["agentflow_name"],
                session_id=row["session_id"],
                state=row["state"],
                created_on=int(row["created_on"]),
                updated_on=int(row["created_on"]),
            )
            for row in csv.DictReader(file)
        ]


ROWS = list(map(as_kept, _rows()))
NEWEST_FIRST = ordered(ROWS)


@pytest.fixture(scope="module")
def imported(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    place = new_place()
    invoked = CliRunner().invoke(cli, ["import", str(FILE), "--database", place.url])
    assert invoked.exit_code == 0, invoked.output
    assert "2,000" in invoked.output
    with running_gateway(place) as running:
        yield running


def test_every_state_is_counted_as_in_the_file(imported: Gateway) -> None:
    for state, count in Counter(row.state for row in ROWS).items():
        query = (
            "query ($state: ExecutionState) {"
            " executions(filter: {state: {eq: $state}}) { totalCount } }"
        )
        assert imported.graphql(query, state=state)["executions"]["totalCount"] == count


def test_the_newest_ten_are_those_of_the_file(imported: Gateway) -> None:
    found = imported.http.get("/executions?limit=10").json()
    assert [execution["guid"] for execution in found] == [row.guid for row in NEWEST_FIRST[:10]]
    assert found[0] == {
        "id": NEWEST_FIRST[0].id,
        "guid": NEWEST_FIRST[0].guid,
        "agentflowId": NEWEST_FIRST[0].agentflow_id,
        "agentflowName": NEWEST_FIRST[0].agentflow_name,
        "sessionId": NEWEST_FIRST[0].session_id,
        "state": NEWEST_FIRST[0].state,
        "created_on": NEWEST_FIRST[0].created_on,
    }


def test_a_deep_page_by_number_is_that_of_the_file(imported: Gateway) -> None:
    query = "{ executionPage(page: 77, limit: 25) { totalCount totalPages items { databaseId } } }"
    page = imported.graphql(query)["executionPage"]
    assert [item["databaseId"] for item in page["items"]] == [
        row.id for row in NEWEST_FIRST[76 * 25 : 77 * 25]
    ]
    assert (page["totalCount"], page["totalPages"]) == (2000, 80)


def test_a_deep_page_by_cursor_is_that_of_the_file(imported: Gateway) -> None:
    query = (
        "query ($after: String) { executions(first: 1000, after: $after) {"
        " nodes { guid } pageInfo { endCursor } } }"
    )
    first = imported.graphql(query)["executions"]
    second = imported.graphql(query, after=first["pageInfo"]["endCursor"])["executions"]
    guids = [node["guid"] for node in first["nodes"] + second["nodes"]]
    assert guids == [row.guid for row in NEWEST_FIRST]


def test_the_whole_list_over_rest_is_the_file(imported: Gateway) -> None:
    found = imported.http.get("/executions").json()
    assert [execution["id"] for execution in found] == [row.id for row in NEWEST_FIRST]


def test_importing_the_file_again_changes_nothing(imported: Gateway) -> None:
    before = run_sql(imported.place, "SELECT * FROM executions ORDER BY id")
    url = imported.place.url
    assert CliRunner().invoke(cli, ["import", str(FILE), "--database", url]).exit_code == 0
    assert run_sql(imported.place, "SELECT * FROM executions ORDER BY id") == before


def test_a_bad_row_in_the_middle_is_named_and_nothing_is_imported(
    place: Place, tmp_path: Path
) -> None:
    lines = FILE.read_text().splitlines()
    lines[1000] = lines[1000].replace("FINISHED", "DONE").replace("ERROR", "DONE")
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(lines))
    with pytest.raises(InvalidInput, match=r"bad\.csv, line 1001: state must be one of .*'DONE'"):
        CliRunner().invoke(
            cli,
            ["import", str(bad), "--database", place.url],
            catch_exceptions=False,
        )
    assert run_sql(place, "SELECT count(*) FROM executions") == [(0,)]
    assert run_sql(place, "SELECT count(*) FROM agentflows") == [(0,)]
