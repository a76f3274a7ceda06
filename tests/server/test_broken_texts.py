"""Older rows with invalid UTF-8 are shown and found, and never break a list."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from db.keys import hash_key
from server.cli.main import cli
from tests.gateway import Gateway, bearer, migrate, migrate_to, run_sql, running_gateway
from tests.places import Place, SQLitePlace, file_of

pytestmark = pytest.mark.sqlite

RAW = [
    b"caf\xe9",
    b"caf\xe8\xe7",
    b"\xed\xa0\x80",
    b"\xf0\x9f",
    b"\xff\xfe",
    b"a\0b",
    b"plain",
    "caf\ufffd z".encode(),
    "日本".encode(),
    b"g" * 20_000,
]
GUIDS = [raw + b"-%d-%d" % (place, number) for place, raw in enumerate(RAW) for number in (0, 1)]
SHOWN = [guid.decode(errors="replace") for guid in GUIDS]
PAGES = """
query ($orderBy: [ExecutionOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  executions(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    nodes { databaseId guid agentflowId agentflowName sessionId createdOn }
    pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
  }
}
"""


def _allow_anything(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        checks = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%checked%'"
        for (name,) in connection.execute(checks).fetchall():
            connection.execute(f"DROP TRIGGER {name}")


def _fill(path: Path) -> None:
    _allow_anything(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for raw in RAW:
            connection.execute(
                "INSERT INTO agentflows (id, name) VALUES (CAST(? AS TEXT), CAST(? AS TEXT))",
                [raw, b"Name " + raw],
            )
        for place, guid in enumerate(GUIDS):
            raw = RAW[place // 2]
            connection.execute(
                "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on) VALUES"
                " (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), 'ERROR', ?)",
                [guid, raw, raw if place % 2 else None, 1_700_000_000_000 + place],
            )


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    """A gateway over rows that tests only read."""
    place = new_place()
    _fill(file_of(place))
    with running_gateway(place) as running:
        yield running


@pytest.fixture
def changing(path: Path) -> Iterator[Gateway]:
    """A gateway over such rows of the test's own."""
    _fill(path)
    with running_gateway(path) as running:
        yield running


def _rest_path(guid: str) -> str:
    return f"/executions/{quote(guid, safe='')}"


def test_the_whole_list_over_rest_holds_every_row(shared: Gateway) -> None:
    listed = shared.http.get("/executions").json()
    assert [row["guid"] for row in listed] == SHOWN[::-1]
    names = [f"Name {raw.decode(errors='replace')}" for raw in RAW for _ in (0, 1)]
    assert [row["agentflowName"] for row in listed] == names[::-1]


def test_pages_over_rest_hold_every_row(shared: Gateway) -> None:
    pages = [
        shared.http.get("/executions", params={"page": page, "limit": 7}) for page in (1, 2, 3)
    ]
    assert [page.status_code for page in pages] == [200] * 3
    assert [row["guid"] for page in pages for row in page.json()] == SHOWN[::-1]
    assert pages[0].headers["x-total-count"] == str(len(GUIDS))


@pytest.mark.parametrize("guid", SHOWN)
def test_each_is_found_by_the_guid_that_is_shown(shared: Gateway, guid: str) -> None:
    assert shared.http.get(_rest_path(guid)).json()["guid"] == guid
    query = "query ($guid: ID!) { execution(guid: $guid) { guid id } }"
    assert shared.graphql(query, guid=guid)["execution"]["guid"] == guid


@pytest.mark.parametrize("raw", RAW)
def test_each_is_found_by_its_ids_and_its_name_as_they_are_shown(
    shared: Gateway, raw: bytes
) -> None:
    text = raw.decode(errors="replace")
    query = """
    query ($flow: ExecutionFilter, $session: ExecutionFilter, $name: ExecutionFilter) {
      flow: executions(filter: $flow) { totalCount nodes { agentflowId } }
      session: executions(filter: $session) { totalCount nodes { sessionId } }
      name: executions(filter: $name) { totalCount nodes { agentflowName } }
    }
    """
    found = shared.graphql(
        query,
        flow={"agentflowId": {"eq": text}},
        session={"sessionId": {"eq": text}},
        name={"agentflowName": {"eq": f"NAME {text}"}},
    )
    assert {node["agentflowId"] for node in found["flow"]["nodes"]} == {text}
    assert {node["sessionId"] for node in found["session"]["nodes"]} == {text}
    assert {node["agentflowName"] for node in found["name"]["nodes"]} == {f"Name {text}"}
    assert found["flow"]["totalCount"] == len(found["flow"]["nodes"])


@pytest.mark.parametrize("field", ["CREATED_ON", "AGENTFLOW_ID", "SESSION_ID", "STATE"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(
    ("size", "from_", "more", "cursor"),
    [
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ],
)
def test_paging_passes_every_row_once_in_every_order(
    shared: Gateway, field: str, direction: str, size: str, from_: str, more: str, cursor: str
) -> None:
    order = [{"field": field, "direction": direction}]
    whole = shared.graphql(PAGES, orderBy=order, first=100)["executions"]["nodes"]
    assert len(whole) == len(GUIDS)
    passed: list[Any] = []
    at = None
    for _ in GUIDS:
        page = shared.graphql(PAGES, **{"orderBy": order, size: 1, from_: at})["executions"]
        assert page["totalCount"] == len(GUIDS)
        passed += page["nodes"]
        at = page["pageInfo"][cursor]
        if not page["pageInfo"][more]:
            break
    assert passed == (whole if size == "first" else whole[::-1])


def test_each_is_changed_and_deleted_over_rest(changing: Gateway) -> None:
    for guid in SHOWN:
        changed = changing.http.put(_rest_path(guid), json={"state": "STOPPED"})
        assert (changed.json()["guid"], changed.json()["state"]) == (guid, "STOPPED")
    assert changing.sql("SELECT count(*) FROM executions WHERE state = 'STOPPED'") == [
        (len(GUIDS),)
    ]
    for guid in SHOWN[:4]:
        assert changing.http.delete(_rest_path(guid)).json() == {"raw": [], "affected": 1}
    deleted = changing.http.request("DELETE", "/executions", json={"executionIds": SHOWN})
    assert deleted.json() == {"raw": [], "affected": len(GUIDS) - 4}
    assert changing.sql("SELECT count(*) FROM executions") == [(0,)]


def test_each_is_changed_and_deleted_over_graphql(changing: Gateway) -> None:
    update = """
    mutation ($guid: ID!, $guids: [ID!]!) {
      updateExecution(guid: $guid, input: {state: STOPPED}) { __typename }
      updateExecutions(guids: $guids, input: {state: TIMEOUT}) {
        affected notFound executions { id guid agentflowName }
      }
    }
    """
    changed = changing.graphql(update, guid=SHOWN[0], guids=SHOWN)
    assert changed["updateExecution"] == {"__typename": "UpdateExecutionSuccess"}
    assert [row["guid"] for row in changed["updateExecutions"]["executions"]] == SHOWN
    delete = "mutation ($guids: [ID!]!) { deleteExecutions(guids: $guids) { deleted notFound } }"
    assert changing.graphql(delete, guids=SHOWN)["deleteExecutions"] == {
        "deleted": SHOWN,
        "notFound": [],
    }


@pytest.mark.parametrize("way", ["rest", "graphql"])
def test_however_many_are_named_all_are_deleted(gateway: Gateway, way: str) -> None:
    path = file_of(gateway.place)
    _allow_anything(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES (CAST(? AS TEXT), 'f', 'ERROR', 1)",
            [(b"caf\xe9 %d" % number,) for number in range(150)],
        )
    guids = [f"caf\ufffd {number}" for number in range(150)]
    if way == "rest":
        answer = gateway.http.request("DELETE", "/executions", json={"executionIds": guids})
        assert answer.json() == {"raw": [], "affected": 150}
    else:
        update = "mutation ($guids: [ID!]!) { %s(guids: $guids%s) { affected notFound } }"
        for name, change in (
            ("updateExecutions", ", input: {state: STOPPED}"),
            ("deleteExecutions", ""),
        ):
            done = gateway.graphql(update % (name, change), guids=guids)
            assert done[name] == {"affected": 150, "notFound": []}
    assert gateway.sql("SELECT count(*) FROM executions") == [(0,)]


def test_a_text_that_is_stored_as_it_is_shown_is_named_before_others(gateway: Gateway) -> None:
    path = file_of(gateway.place)
    _allow_anything(path)
    for raw in (b"g\xe9", "g\ufffd".encode(), b"g\xff"):
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES (CAST(? AS TEXT), 'f', 'ERROR', 1)",
            raw,
        )
    gateway.http.delete("/executions/g%EF%BF%BD")
    left = gateway.sql("SELECT hex(guid) FROM executions ORDER BY guid")
    assert left == [("67E9",), ("67FF",)]


def test_of_two_that_are_shown_alike_one_goes_at_a_time(gateway: Gateway) -> None:
    path = file_of(gateway.place)
    _allow_anything(path)
    for raw in (b"g\xe9", b"g\xe8"):
        gateway.sql(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES (CAST(? AS TEXT), 'f', 'ERROR', 1)",
            raw,
        )
    affected = [gateway.http.delete("/executions/g%EF%BF%BD").status_code for _ in range(3)]
    assert affected == [200, 200, 404]


def test_the_log_tells_nothing_of_what_is_stored(
    shared: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "gateway"):
        shared.http.get("/executions")
        shared.graphql(PAGES, orderBy=[{"field": "AGENTFLOW_ID", "direction": "ASC"}], first=5)
    assert "caf" not in caplog.text
    assert "can't answer" not in caplog.text


def test_rows_from_before_do_not_stop_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    migrate_to(SQLitePlace(path), "0004")
    _fill(path)
    migrate(SQLitePlace(path))
    with running_gateway(path) as gateway:
        assert len(gateway.http.get("/executions").json()) == len(GUIDS)
        changed = gateway.http.put(_rest_path(SHOWN[0]), json={"state": "STOPPED"})
        assert changed.status_code == 200
        with pytest.raises(sqlite3.IntegrityError):
            gateway.sql("UPDATE executions SET guid = CAST(X'E9' AS TEXT) WHERE id = 3")


def test_an_unknown_scope_takes_nothing_from_anybody(path: Path) -> None:
    _allow_anything(path)
    keys = {"known": "read", "newer": "read admin", "odd": "x"}
    for token, scopes in keys.items():
        run_sql(
            path,
            "INSERT INTO api_keys (name, hash, scopes, created_on, expires_on)"
            " VALUES (CAST(X'6BE9' AS TEXT), ?, ?, ?, ?)",
            hash_key(token),
            scopes,
            -(2**60),
            2**60,
        )
    with running_gateway(path) as gateway:
        answers = {
            token: gateway.http.get("/executions", headers=bearer(token)).status_code
            for token in keys
        }
    assert answers == {"known": 200, "newer": 200, "odd": 403}
    listed = CliRunner().invoke(cli, ["keys", "list", "--database", f"sqlite:///{path}"])
    assert listed.exit_code == 0, listed.output
    assert listed.output.count("k\ufffd") == len(keys)
