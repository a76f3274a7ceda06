"""Pages by number."""

from collections.abc import Callable

import pytest

from db.reading.paging import LAST_PAGE
from tests.gateway import Gateway
from tests.sample import SAMPLE

PAGE = """
query ($page: Int! = 1, $limit: Int! = 50, $filter: ExecutionFilter, $orderBy: [ExecutionOrder!]) {
  executionPage(page: $page, limit: $limit, filter: $filter, orderBy: $orderBy) {
    items { guid } page limit totalCount totalPages
  }
}
"""
NEWEST = [row.guid for row in sorted(SAMPLE, key=lambda row: (row.created_on, row.id))][::-1]


def _guids(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [item["guid"] for item in page["items"]]


def test_without_arguments_it_is_the_newest_fifty(sample_gateway: Gateway) -> None:
    query = "{ executionPage { items { guid } page limit totalCount totalPages } }"
    page = sample_gateway.graphql(query)["executionPage"]
    assert _guids(page) == NEWEST
    assert (page["page"], page["limit"], page["totalCount"], page["totalPages"]) == (1, 50, 24, 1)


def test_pages_follow_each_other_without_a_gap(sample_gateway: Gateway) -> None:
    seen = []
    for number in range(1, 6):
        page = sample_gateway.graphql(PAGE, page=number, limit=5)["executionPage"]
        assert (page["page"], page["limit"], page["totalPages"]) == (number, 5, 5)
        seen += _guids(page)
    assert seen == NEWEST


@pytest.mark.parametrize("number", [6, 1000, LAST_PAGE])
def test_beyond_the_last_page_there_is_nothing(sample_gateway: Gateway, number: int) -> None:
    page = sample_gateway.graphql(PAGE, page=number, limit=5)["executionPage"]
    assert (page["items"], page["totalCount"], page["totalPages"]) == ([], 24, 5)


def test_without_executions_there_is_no_page(gateway: Gateway) -> None:
    page = gateway.graphql(PAGE)["executionPage"]
    assert page == {"items": [], "page": 1, "limit": 50, "totalCount": 0, "totalPages": 0}


def test_filter_and_order_apply(sample_gateway: Gateway) -> None:
    page = sample_gateway.graphql(
        PAGE,
        filter={"state": {"eq": "ERROR"}},
        orderBy=[{"field": "CREATED_ON", "direction": "ASC"}],
        limit=3,
    )["executionPage"]
    expected = [
        guid
        for guid in NEWEST[::-1]
        if guid in {row.guid for row in SAMPLE if row.state == "ERROR"}
    ]
    assert _guids(page) == expected[:3]
    assert page["totalCount"] == len(expected)


@pytest.mark.parametrize("number", [0, -1, -(2**31)])
def test_a_page_below_one_is_refused(sample_gateway: Gateway, number: int) -> None:
    assert sample_gateway.refused(PAGE, page=number) == (
        "BAD_USER_INPUT",
        f"page must be from 1 to {LAST_PAGE}; got {number}",
    )


@pytest.mark.parametrize("limit", [0, -1, 1001, 2**31 - 1])
def test_a_limit_out_of_bounds_is_refused_and_names_them(
    sample_gateway: Gateway, limit: int
) -> None:
    assert sample_gateway.refused(PAGE, limit=limit) == (
        "BAD_USER_INPUT",
        f"limit must be from 1 to 1000; got {limit}",
    )


def test_the_largest_page_is_a_setting(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_page_size=7)
    assert gateway.refused(PAGE, limit=8)[1] == "limit must be from 1 to 7; got 8"
