"""The earliest and latest instants and the largest ids work everywhere."""

import pytest

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LARGEST_ID
from tests.gateway import Gateway

FIRST, LAST = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
PAGE = """
query ($filter: ExecutionFilter, $orderBy: [ExecutionOrder!], $after: String, $before: String) {
  executions(filter: $filter, orderBy: $orderBy, first: 1, after: $after, before: $before) {
    totalCount
    nodes { guid createdOn updatedOn databaseId }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@pytest.fixture
def ends(gateway: Gateway) -> Gateway:
    """A gateway over one execution at either end of time."""
    for guid, at, number in (("first", EARLIEST_MS, 1), ("last", LATEST_MS, LARGEST_ID)):
        gateway.sql(
            "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
            " VALUES (?, ?, 'flow', 'ERROR', ?)",
            number,
            guid,
            at,
        )
    return gateway


def test_both_ends_are_listed_over_rest(ends: Gateway) -> None:
    listed = ends.http.get("/executions").json()
    assert [(row["guid"], row["created_on"], row["id"]) for row in listed] == [
        ("last", LATEST_MS, LARGEST_ID),
        ("first", EARLIEST_MS, 1),
    ]


def test_pages_over_rest_reach_both_ends(ends: Gateway) -> None:
    pages = [ends.http.get("/executions", params={"page": page, "limit": 1}) for page in (1, 2)]
    assert [page.json()[0]["guid"] for page in pages] == ["last", "first"]
    assert 'page=2&limit=1>; rel="next"' in pages[0].headers["link"]


@pytest.mark.parametrize("field", ["CREATED_ON", "UPDATED_ON", "STATE"])
@pytest.mark.parametrize(
    ("direction", "order"), [("ASC", ["first", "last"]), ("DESC", ["last", "first"])]
)
def test_cursors_pass_both_ends(
    ends: Gateway, field: str, direction: str, order: list[str]
) -> None:
    order_by = [{"field": field, "direction": direction}]
    first = ends.graphql(PAGE, orderBy=order_by)["executions"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (2, True)
    second = ends.graphql(PAGE, orderBy=order_by, after=first["pageInfo"]["endCursor"])
    [node] = second["executions"]["nodes"]
    assert [first["nodes"][0]["guid"], node["guid"]] == order
    assert not second["executions"]["pageInfo"]["hasNextPage"]
    beyond = ends.graphql(
        PAGE, orderBy=order_by, after=second["executions"]["pageInfo"]["endCursor"]
    )
    assert beyond["executions"]["nodes"] == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"gte": FIRST}, {"first", "last"}),
        ({"gt": FIRST}, {"last"}),
        ({"lte": FIRST}, {"first"}),
        ({"lt": FIRST}, set()),
        ({"lte": LAST}, {"first", "last"}),
        ({"lt": LAST}, {"first"}),
        ({"gte": LAST}, {"last"}),
        ({"gt": LAST}, set()),
        ({"gt": "9999-12-31T23:59:59.9989999Z", "lt": "9999-12-31T23:59:59.9999999Z"}, {"last"}),
    ],
    ids=lambda each: str(sorted(each) if isinstance(each, set) else each),
)
def test_filters_and_counts_hold_at_both_ends(
    ends: Gateway, condition: dict[str, str], found: set[str]
) -> None:
    for field in ("createdOn", "updatedOn"):
        query = """query ($filter: ExecutionFilter) {
          executions(filter: $filter) { totalCount nodes { guid createdOn } }
        }"""
        answer = ends.graphql(query, filter={field: condition})["executions"]
        assert {node["guid"] for node in answer["nodes"]} == found
        assert answer["totalCount"] == len(found)


def test_both_ends_are_written_as_iso_8601(ends: Gateway) -> None:
    query = "query ($guid: ID!) { execution(guid: $guid) { createdOn updatedOn databaseId } }"
    found = {guid: ends.graphql(query, guid=guid)["execution"] for guid in ("first", "last")}
    assert found == {
        "first": {"createdOn": FIRST, "updatedOn": FIRST, "databaseId": 1},
        "last": {"createdOn": LAST, "updatedOn": LAST, "databaseId": LARGEST_ID},
    }


@pytest.mark.parametrize(("start", "end"), [("0001-01-01", "9999-12-31"), (EARLIEST_MS, LATEST_MS)])
def test_rest_filters_from_end_to_end(ends: Gateway, start: object, end: object) -> None:
    listed = ends.http.get("/executions", params={"startDate": str(start), "endDate": str(end)})
    assert [row["guid"] for row in listed.json()] == ["last", "first"]


def test_both_ends_are_changed_and_deleted(ends: Gateway) -> None:
    for guid in ("first", "last"):
        assert ends.http.put(f"/executions/{guid}", json={"state": "STOPPED"}).status_code == 200
        assert ends.http.delete(f"/executions/{guid}").json()["affected"] == 1
    assert ends.graphql("{ executions { totalCount } }") == {"executions": {"totalCount": 0}}
