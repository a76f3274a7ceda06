"""Names of parameters: which are accepted, rejected as misspelt, or ignored."""

import pytest

from db.errors import InvalidInput
from server.rest.names import LEFT_ALONE, DocumentedNames
from server.rest.parameters import PARAMETERS
from tests.gateway import Gateway
from tests.sample import SAMPLE

NAMES = ("page", "limit", *PARAMETERS)

MISSPELLED = [
    ("sate=ERROR", "state"),
    ("satte=ERROR", "state"),
    ("stat=ERROR", "state"),
    ("states=ERROR", "state"),
    ("staate=ERROR", "state"),
    ("sttea=ERROR", "state"),
    ("status=ERROR", "state"),
    ("State=ERROR", "state"),
    ("STATE=ERROR", "state"),
    ("State[]=ERROR", "state"),
    ("states[]=ERROR", "state"),
    ("%20state=ERROR", "state"),
    ("+state+=ERROR", "state"),
    ("state%20=ERROR", "state"),
    ("state%09=ERROR", "state"),
    ("state%00=ERROR", "state"),
    ("state%0A=ERROR", "state"),
    ("state%E2%80%8B=ERROR", "state"),
    ("st%D0%B0te=ERROR", "state"),
    ("%EF%BD%93%EF%BD%94%EF%BD%81%EF%BD%94%EF%BD%85=ERROR", "state"),
    ("st%FFate=ERROR", "state"),
    ("state%255B%255D=ERROR", "state"),
    ("s%2574ate=ERROR", "state"),
    ("state[=ERROR", "state"),
    ("state]=ERROR", "state"),
    ("state[0=ERROR", "state"),
    ("state[a]=ERROR", "state"),
    ("state[in]=ERROR", "state"),
    ("state[-1]=ERROR", "state"),
    ("state[0][]=ERROR", "state"),
    ("state[][]=ERROR", "state"),
    ("state.0=ERROR", "state"),
    ("state.in=ERROR", "state"),
    ("state__in=ERROR", "state"),
    ("filter[state]=ERROR", "state"),
    ("filter.state=ERROR", "state"),
    ("state:ERROR", "state"),
    ("?state=ERROR", "state"),
    ("amp;state=ERROR", "state"),
    ("_=1&amp;state=ERROR", "state"),
    ("_=1;state=ERROR", "state"),
    ("_=1;sate=ERROR", "state"),
    ("guid[]=a", "guid"),
    ("guid[0]=a", "guid"),
    ("GUID=a", "guid"),
    ("uuid=a", "guid"),
    ("gui=a", "guid"),
    ("guids=a", "guid"),
    ("agentflow_id=a", "agentflowId"),
    ("agentflow-id=a", "agentflowId"),
    ("agent_flow_id=a", "agentflowId"),
    ("agentFlowId=a", "agentflowId"),
    ("agentflowID=a", "agentflowId"),
    ("agentflowId[]=a", "agentflowId"),
    ("agenflowid=a", "agentflowId"),
    ("agentflow_name=a", "agentflowName"),
    ("agentflowNmae=a", "agentflowName"),
    ("session_id=a", "sessionId"),
    ("session=a", "sessionId"),
    ("sesionId=a", "sessionId"),
    ("start_date=2023-11-14", "startDate"),
    ("startdate=2023-11-14", "startDate"),
    ("strtDate=2023-11-14", "startDate"),
    ("end-date=2023-11-14", "endDate"),
    ("endDate[gte]=2023-11-14", "endDate"),
    ("Page=1", "page"),
    ("pages=1", "page"),
    ("page[number]=1", "page"),
    ("_limit=1", "limit"),
    ("$limit=1", "limit"),
    ("limt=1", "limit"),
    ("Limit=1", "limit"),
]

OF_THE_CLIENTS = [
    *("_", "t", "ts", "v", "q", "cacheBust", "nocache", "sort", "order", "orderBy", "order_by"),
    *("offset", "skip", "take", "top", "size", "pageSize", "page_size", "per_page", "cursor"),
    *("token", "api_key", "apikey", "access_token", "search", "query", "fields", "include"),
    *("expand", "lang", "locale", "format", "callback", "debug", "userId", "tenant", "id", "ids"),
    *("rate", "date", "name", "stage", "stats", "start", "length", "draw", "list", "type", "tag"),
    *("createdOn", "created_on", "timestamp", "timezone", "workspaceId", "utm_source", "x[y]"),
    *(
        "",
        "%",
        "%00",
        "%FF",
        "=",
        "[]",
        "[0]",
        ";",
        "\U0001f98a",
        "a" * 10_000,
        "a." * 10_000,
        "[" * 10_000,
    ),
]


@pytest.mark.parametrize(("query", "meant"), MISSPELLED, ids=[query for query, _ in MISSPELLED])
def test_a_name_that_is_almost_a_documented_one_is_400_and_says_which(
    sample_gateway: Gateway, query: str, meant: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = sample_gateway.http.request(method, f"/executions?{query}")
        assert answer.status_code == 400
    answer = sample_gateway.http.get(f"/executions?limit=2&{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_USER_INPUT"
    assert meant in answer.json()["message"].replace(";", " ").split()


@pytest.mark.parametrize("name", OF_THE_CLIENTS, ids=lambda name: name[:20])
def test_a_name_of_the_clients_own_is_ignored(sample_gateway: Gateway, name: str) -> None:
    answer = sample_gateway.http.get(f"/executions?{name}=1;2&{name}=3")
    assert answer.status_code == 200
    assert len(answer.json()) == len(SAMPLE)


def test_names_of_the_clients_own_stay_in_the_links_of_a_page(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/executions?sort=a&limit=1&sort=b&_")
    assert "sort=a&sort=b&_=&page=2&limit=1" in answer.links["next"]["url"]


@pytest.mark.parametrize("name", NAMES)
def test_every_slip_of_one_letter_is_noticed(name: str) -> None:
    documented = DocumentedNames(NAMES, lists=("state",))
    places = range(len(name))
    slips = {
        *(name[:at] + name[at + 1 :] for at in places),
        *(name[:at] + "x" + name[at:] for at in places),
        *(name[:at] + "x" + name[at + 1 :] for at in places),
        *(name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :] for at in places),
    } - {*NAMES, *LEFT_ALONE}
    assert len(slips) > 3 * (len(name) - 1)
    for slip in slips:
        with pytest.raises(InvalidInput, match=f"use {name}"):
            documented.read(slip, "")


@pytest.mark.parametrize("query", ["state=ERROR", "guid=a", "limit=1", "executionIds=guid-07"])
def test_a_deletion_of_many_takes_nothing_from_its_query(gateway: Gateway, query: str) -> None:
    gateway.insert(SAMPLE)
    answer = gateway.http.delete(f"/executions?{query}")
    assert answer.status_code == 400
    assert "The body" in answer.json()["message"]
    assert gateway.sql("SELECT COUNT(*) FROM executions") == [(len(SAMPLE),)]
