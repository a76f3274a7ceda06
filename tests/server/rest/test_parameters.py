"""The query parameters of the list: what each filters."""

import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.sample import FLOWS, SAMPLE, START
from tests.server.rest.requests import found_guids, wanted_guids

# 2023-11-14T22:13:20.000Z is START; the sample lies within the eight seconds after it.
BOUND = START + 4000


# Exact filters


@pytest.mark.parametrize("row", SAMPLE[:9], ids=lambda row: row.guid)
def test_guid_matches_exactly(sample_gateway: Gateway, row: ExecutionRow) -> None:
    assert found_guids(sample_gateway, {"guid": row.guid}) == [row.guid]


@pytest.mark.parametrize("flow", FLOWS)
def test_agentflow_id_matches_exactly(sample_gateway: Gateway, flow: str) -> None:
    found = found_guids(sample_gateway, {"agentflowId": flow})
    assert found == wanted_guids(lambda row: row.agentflow_id == flow)
    assert len(found) == 4


@pytest.mark.parametrize("session", [f"session-{number}" for number in range(4)])
def test_session_id_matches_exactly(sample_gateway: Gateway, session: str) -> None:
    found = found_guids(sample_gateway, {"sessionId": session})
    assert found == wanted_guids(lambda row: row.session_id == session)
    assert found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guid", "guid-0"),
        ("guid", "GUID-07"),
        ("guid", "guid-0_"),
        ("guid", "guid-%"),
        ("guid", " guid-07"),
        ("agentflowId", "flow"),
        ("agentflowId", "FLOW-A"),
        ("agentflowId", "flow-*"),
        ("sessionId", "session-"),
        ("sessionId", "Session-1"),
        ("sessionId", "null"),
    ],
)
def test_a_part_another_case_or_a_wildcard_is_no_exact_match(
    sample_gateway: Gateway, name: str, value: str
) -> None:
    assert found_guids(sample_gateway, {name: value}) == []


@pytest.mark.parametrize("name", ["guid", "agentflowId", "sessionId", "agentflowName"])
def test_a_value_that_looks_like_sql_is_a_value(sample_gateway: Gateway, name: str) -> None:
    assert found_guids(sample_gateway, {name: "' OR '1'='1' --"}) == []


# The name


@pytest.mark.parametrize(
    ("part", "flows"),
    [
        ("Support agent", {"flow-a", "flow-e"}),
        ("PORT A", {"flow-a", "flow-e"}),
        ("ärger", {"flow-b"}),
        ("ÄRGER", {"flow-b"}),
        ("größe", {"flow-b"}),
        ("GRÖSSE", {"flow-b"}),
        ("ОТЧЁТ", {"flow-d"}),
        ("отчёт", {"flow-d"}),
        ("日本", {"flow-d"}),
        ("100%", {"flow-c"}),
        ("OF_EVERY", {"flow-c"}),
        ("%", {"flow-c"}),
        ("_", {"flow-c"}),
        ("s_pport", set()),
        ("support%agent", set()),
        ("flow-a", set()),
        ("nobody", set()),
    ],
)
def test_agentflow_name_matches_a_part_in_any_case_and_script(
    sample_gateway: Gateway, part: str, flows: set[str]
) -> None:
    found = found_guids(sample_gateway, {"agentflowName": part})
    assert found == wanted_guids(lambda row: row.agentflow_id in flows)
    assert len(found) == 4 * len(flows)


def test_agentflow_name_is_the_present_name(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.sql("UPDATE agentflows SET name = 'Renamed' WHERE id = 'flow-a'")
    assert len(found_guids(gateway, {"agentflowName": "renamed"})) == 4
    assert len(found_guids(gateway, {"agentflowName": "support"})) == 4


# The state


@pytest.mark.parametrize("state", list(ExecutionState))
def test_state_is_one_of_the_six(sample_gateway: Gateway, state: ExecutionState) -> None:
    found = found_guids(sample_gateway, {"state": state})
    assert found == wanted_guids(lambda row: row.state == state)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("value", "states"),
    [
        ("ERROR,TIMEOUT", {"ERROR", "TIMEOUT"}),
        ("TIMEOUT, ERROR", {"ERROR", "TIMEOUT"}),
        ("ERROR,ERROR", {"ERROR"}),
        (",".join(ExecutionState), set(ExecutionState)),
    ],
)
def test_several_states_are_separated_by_commas(
    sample_gateway: Gateway, value: str, states: set[str]
) -> None:
    assert found_guids(sample_gateway, {"state": value}) == wanted_guids(
        lambda row: row.state in states
    )


@pytest.mark.parametrize(
    "query",
    [
        "state=ERROR&state=TIMEOUT",
        "state[]=ERROR&state[]=TIMEOUT",
        "state%5B%5D=ERROR&state%5B%5D=TIMEOUT",
        "state[0]=ERROR&state[1]=TIMEOUT",
        "state[1]=ERROR&state[0]=TIMEOUT",
        "state=ERROR&state[]=TIMEOUT",
        "state[]=ERROR,TIMEOUT",
        "state=ERROR&state=&state=TIMEOUT",
        "state=TIMEOUT&state=ERROR&state=TIMEOUT",
    ],
)
def test_several_states_may_be_given_one_by_one_and_in_brackets(
    sample_gateway: Gateway, query: str
) -> None:
    answer = sample_gateway.http.get(f"/executions?{query}")
    assert [row["guid"] for row in answer.json()] == wanted_guids(
        lambda row: row.state in {"ERROR", "TIMEOUT"}
    )


def test_a_page_of_states_in_brackets_links_to_the_same_states(sample_gateway: Gateway) -> None:
    first = sample_gateway.http.get("/executions?state[]=ERROR&state[]=TIMEOUT&limit=3")
    second = sample_gateway.http.get(first.links["next"]["url"])
    found = [row["guid"] for row in first.json() + second.json()]
    assert found == wanted_guids(lambda row: row.state in {"ERROR", "TIMEOUT"})[:6]


# The dates

_INSTANTS = {
    "epoch milliseconds": str(BOUND),
    "Z": "2023-11-14T22:13:24Z",
    "milliseconds": "2023-11-14T22:13:24.000Z",
    "an offset": "2023-11-14T23:13:24+01:00",
    "an offset behind UTC": "2023-11-14T16:43:24.000-05:30",
    "no offset": "2023-11-14T22:13:24",
    "a space": "2023-11-14 22:13:24",
    "a small z": "2023-11-14T22:13:24z",
}


@pytest.mark.parametrize("value", _INSTANTS.values(), ids=_INSTANTS)
def test_start_date_is_included(sample_gateway: Gateway, value: str) -> None:
    found = found_guids(sample_gateway, {"startDate": value})
    assert found == wanted_guids(lambda row: row.created_on >= BOUND)
    assert 0 < len(found) < len(SAMPLE)


@pytest.mark.parametrize("value", _INSTANTS.values(), ids=_INSTANTS)
def test_end_date_is_included(sample_gateway: Gateway, value: str) -> None:
    found = found_guids(sample_gateway, {"endDate": value})
    assert found == wanted_guids(lambda row: row.created_on <= BOUND)
    assert 0 < len(found) < len(SAMPLE)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (START, START, [START]),
        (START - 1, START, [START - 1, START]),
        (START, START + 1, [START, START + 1]),
        (START + 1, START + 1, [START + 1]),
        (START + 2, START + 999, []),
        (START + 1, START, []),
    ],
)
def test_the_bounds_are_exact_to_the_millisecond(
    gateway: Gateway, start: int, end: int, expected: list[int]
) -> None:
    gateway.insert(
        SAMPLE[0]._replace(id=number + 2, guid=str(number), created_on=START + number)
        for number in (-1, 0, 1, 1000)
    )
    answer = gateway.http.get("/executions", params={"startDate": start, "endDate": end})
    assert [row["created_on"] for row in answer.json()] == expected[::-1]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"startDate": "2023-11-14T22:13:20.0001Z"}, [START + 1]),
        ({"endDate": "2023-11-14T22:13:20.0009Z"}, [START]),
        ({"startDate": "2023-11-14T22:13:20.001"}, [START + 1]),
        ({"endDate": "2023-11-14T22:13:20.001"}, [START + 1, START]),
    ],
    ids=str,
)
def test_a_part_of_a_millisecond_counts(
    gateway: Gateway, parameters: dict[str, str], expected: list[int]
) -> None:
    gateway.insert(
        SAMPLE[0]._replace(id=number + 1, guid=str(number), created_on=START + number)
        for number in (0, 1)
    )
    answer = gateway.http.get("/executions", params=parameters)
    assert [row["created_on"] for row in answer.json()] == expected


_DAY = 1_700_006_400_000 - 24 * 3600 * 1000
_DAYS = {
    "the day before, last": _DAY - 1,
    "the day, first": _DAY,
    "the day, last": _DAY + 24 * 3600 * 1000 - 1,
    "the day after, first": _DAY + 24 * 3600 * 1000,
}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"startDate": "2023-11-14", "endDate": "2023-11-14"}, list(_DAYS)[1:3]),
        ({"startDate": "2023-11-14"}, list(_DAYS)[1:]),
        ({"endDate": "2023-11-14"}, list(_DAYS)[:3]),
        ({"startDate": "2023-11-15"}, list(_DAYS)[3:]),
        ({"endDate": "2023-11-13"}, list(_DAYS)[:1]),
        ({"endDate": "2023-11-14T00:00:00"}, list(_DAYS)[:2]),
    ],
    ids=str,
)
def test_a_date_without_a_time_is_that_whole_day_in_utc(
    gateway: Gateway, parameters: dict[str, str], expected: list[str]
) -> None:
    gateway.insert(
        SAMPLE[0]._replace(id=number, guid=name, created_on=created_on)
        for number, (name, created_on) in enumerate(_DAYS.items(), 1)
    )
    assert found_guids(gateway, parameters) == expected[::-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("startDate", "0001-01-01"),
        ("endDate", "9999-12-31"),
        ("startDate", "-1"),
        ("startDate", "0"),
    ],
)
def test_the_widest_dates_match_everything(sample_gateway: Gateway, name: str, value: str) -> None:
    assert len(found_guids(sample_gateway, {name: value})) == len(SAMPLE)


# Together


def test_filters_combine_with_and(sample_gateway: Gateway) -> None:
    parameters = {
        "agentflowName": "support",
        "state": "INPROGRESS,TIMEOUT,ERROR",
        "startDate": str(START + 1000),
        "endDate": str(START + 7000),
    }
    found = found_guids(sample_gateway, parameters)
    assert found == wanted_guids(
        lambda row: (
            row.agentflow_id in {"flow-a", "flow-e"}
            and row.state in {"INPROGRESS", "TIMEOUT", "ERROR"}
            and START + 1000 <= row.created_on <= START + 7000
        )
    )
    assert found
    assert len(found) < len(found_guids(sample_gateway, {"agentflowName": "support"}))


@pytest.mark.parametrize(
    "name",
    ["guid", "agentflowId", "agentflowName", "sessionId", "state", "startDate", "endDate"],
)
def test_an_empty_value_is_no_filter(sample_gateway: Gateway, name: str) -> None:
    assert found_guids(sample_gateway, {name: ""}) == wanted_guids(lambda _row: True)


@pytest.mark.parametrize("query", ["page=", "limit=", "page=&limit="])
def test_an_empty_page_and_limit_is_the_whole_list(sample_gateway: Gateway, query: str) -> None:
    answer = sample_gateway.http.get(f"/executions?{query}")
    assert len(answer.json()) == len(SAMPLE)
    assert "link" not in answer.headers
