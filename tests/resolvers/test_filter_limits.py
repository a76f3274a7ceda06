"""Filters as large as they may be are answered; larger ones are the client's fault, said so."""

from typing import Any

import pytest

from db.errors import InvalidInput
from db.reading.filters import MAX_CONDITIONS
from resolvers.arguments import Arguments
from tests.gateway import Gateway
from tests.statements import recorded_statements

PAGE = """
query ($filter: ExecutionFilter, $orderBy: [ExecutionOrder!]) {
  executions(filter: $filter, orderBy: $orderBy, first: 5) { totalCount nodes { guid } }
}
"""
NUMBERED = "query ($filter: ExecutionFilter) { executionPage(filter: $filter) { totalCount } }"

_STATES = ["INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"]
_AT = "2023-11-14T22:13:20.123Z"
_PARTS = MAX_CONDITIONS - 10


def _name(number: int) -> dict[str, Any]:
    return {"agentflowName": {"contains": f"n{number}"}}


LARGEST: dict[str, dict[str, Any]] = {
    "or of names": {"or": [_name(n) for n in range(_PARTS)]},
    "and of names": {"and": [_name(n) for n in range(_PARTS)]},
    "names and time": {"createdOn": {"gte": _AT}, "or": [_name(n) for n in range(_PARTS)]},
    "not of names": {"and": [{"not": _name(n)} for n in range(_PARTS // 2)]},
    "names by state": {
        "createdOn": {"gte": _AT},
        "or": [
            {"state": {"eq": _STATES[n % 6]}, "agentflowName": {"contains": f"n{n}"}}
            for n in range(_PARTS // 3)
        ],
    },
    "flows by state": {
        "or": [
            {"state": {"eq": _STATES[n % 6]}, "agentflowId": {"eq": f"n{n}"}}
            for n in range(_PARTS // 3)
        ],
    },
    "sessions": {"and": [{"sessionId": {"notIn": [f"{n}"]}} for n in range(_PARTS)]},
    "times": {"and": [{"createdOn": {"gte": _AT}, "updatedOn": {"lt": _AT}}] * (_PARTS // 3)},
    "times apart": {
        "or": [
            {"createdOn": {"gte": f"2024-01-01T00:00:00.{n:03}Z", "lte": _AT}}
            for n in range(_PARTS // 3)
        ]
    },
    "a long list": {"guid": {"in": [f"{n}" for n in range(10_000)]}},
    "a long list of null characters": {"guid": {"in": [f"\0{n}" for n in range(10_000)]}},
    "a long list that is not meant": {"sessionId": {"notIn": [f"\1\0{n}" for n in range(10_000)]}},
    "the same state": {"state": {"in": ["ERROR"] * 10_000}},
}

TOO_LARGE: dict[str, tuple[dict[str, Any], str]] = {
    "or of nothing": ({"or": [{}] * 1000}, str(MAX_CONDITIONS)),
    "and of nothing": ({"and": [{}] * 1000}, str(MAX_CONDITIONS)),
    "not of nothing": ({"or": [{"not": {}}] * 1000}, str(MAX_CONDITIONS)),
    "lists of nothing": ({"and": [{"or": []}] * 1000}, str(MAX_CONDITIONS)),
    "nulls": ({"and": [{"state": None}] * 1000}, str(MAX_CONDITIONS)),
    "states": ({"state": {"in": ["ERROR"] * 10_001}}, "max_ids"),
    "guids": ({"guid": {"in": ["g"] * 10_001}}, "max_ids"),
    "guids in parts": ({"or": [{"guid": {"in": ["g"] * 5_001}}] * 2}, "max_ids"),
    "names": ({"agentflowName": {"in": ["n"] * 10_001}}, "max_ids"),
    "sessions": ({"not": {"sessionId": {"notIn": ["s"] * 10_001}}}, "max_ids"),
}


@pytest.mark.parametrize("order_by", [[], [{"field": "SESSION_ID"}, {"field": "STATE"}]], ids=str)
@pytest.mark.parametrize("name", LARGEST)
def test_a_filter_as_large_as_may_be_is_answered(
    sample_gateway: Gateway, name: str, order_by: list[dict[str, str]]
) -> None:
    found = sample_gateway.graphql(PAGE, filter=LARGEST[name], orderBy=order_by)["executions"]
    assert len(found["nodes"]) == min(found["totalCount"], 5)


@pytest.mark.parametrize("query", [PAGE, NUMBERED], ids=["cursors", "numbers"])
@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_larger_filter_is_refused_and_the_limit_is_named(
    sample_gateway: Gateway, name: str, query: str
) -> None:
    filter_, limit = TOO_LARGE[name]
    code, message = sample_gateway.refused(query, filter=filter_)
    assert code == "BAD_USER_INPUT"
    assert limit in message


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_plan_refuses_it_too(name: str) -> None:
    given, limit = TOO_LARGE[name]
    with pytest.raises(InvalidInput, match=limit):
        Arguments({"filter": given}).filter(10_000)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("parameters", "filter_"),
    [
        ("state=ERROR", {"state": {"eq": "ERROR"}}),
        ("state=ERROR", {"state": {"in": ["ERROR", "ERROR"]}}),
        ("state=ERROR,ERROR", {"and": [{"not": {"state": {"notIn": ["ERROR"]}}}, {}]}),
        ("state=ERROR&state=ERROR", {"or": [{"and": [{"state": {"eq": "ERROR"}}]}]}),
        (f"state={','.join(_STATES)}", {"guid": None}),
        ("guid=g", {"guid": {"in": ["g"]}}),
        ("agentflowId=f", {"agentflowId": {"in": ["f", "f"]}}),
        ("sessionId=s&state=STOPPED", {"sessionId": {"in": ["s"]}, "state": {"in": ["STOPPED"]}}),
        (f"startDate={_AT}", {"and": [{"createdOn": {"gte": _AT}}, {"createdOn": {"gte": _AT}}]}),
    ],
    ids=str,
)
def test_what_asks_the_same_is_the_same_statement(
    sample_gateway: Gateway, parameters: str, filter_: dict[str, Any]
) -> None:
    with recorded_statements() as by_rest:
        assert sample_gateway.http.get(f"/executions?{parameters}&limit=5").status_code == 200
    query = """
    query ($filter: ExecutionFilter) {
      executionPage(filter: $filter, limit: 5) {
        totalCount
        items { databaseId guid agentflowId agentflowName sessionId state createdOn }
      }
    }
    """
    with recorded_statements() as by_graphql:
        sample_gateway.graphql(query, filter=filter_)
    # The columns are read in another order.
    asked = {_without_columns(statement) for statement in by_rest}
    assert len(asked) == 2
    assert asked == {_without_columns(statement) for statement in by_graphql}


def _without_columns(statement: str) -> str:
    before, found, after = statement.partition("\nFROM executions \n")
    return after if found and "CAST" not in before and "count(" not in before else statement
