"""The query parameters of the list: what each filters, and how a malformed one is rejected."""

from collections.abc import Callable
from urllib.parse import unquote

import httpx
import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from server.rest.parameters import read_list
from tests.gateway import Gateway
from tests.reference import ordered
from tests.sample import FLOWS, SAMPLE, START

_Test = Callable[[ExecutionRow], bool]

# 2023-11-14T22:13:20.000Z is START; the sample lies within the eight seconds after it.
BOUND = START + 4000


def _found(gateway: Gateway, parameters: dict[str, str]) -> list[str]:
    answer = gateway.http.get("/executions", params=parameters)
    assert answer.status_code == 200, answer.text
    return [row["guid"] for row in answer.json()]


def _wanted(test: _Test) -> list[str]:
    return [row.guid for row in ordered(SAMPLE) if test(row)]


def _refusal(gateway: Gateway, query: str) -> str:
    answer = gateway.http.get(f"/executions?{query}")
    body = answer.json()
    message = body.pop("message")
    assert body == {"statusCode": 400, "success": False, "code": "BAD_USER_INPUT"}
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    return str(message)


# Exact filters


@pytest.mark.parametrize("row", SAMPLE[:9], ids=lambda row: row.guid)
def test_guid_matches_exactly(sample_gateway: Gateway, row: ExecutionRow) -> None:
    assert _found(sample_gateway, {"guid": row.guid}) == [row.guid]


@pytest.mark.parametrize("flow", FLOWS)
def test_agentflow_id_matches_exactly(sample_gateway: Gateway, flow: str) -> None:
    found = _found(sample_gateway, {"agentflowId": flow})
    assert found == _wanted(lambda row: row.agentflow_id == flow)
    assert len(found) == 4


@pytest.mark.parametrize("session", [f"session-{number}" for number in range(4)])
def test_session_id_matches_exactly(sample_gateway: Gateway, session: str) -> None:
    found = _found(sample_gateway, {"sessionId": session})
    assert found == _wanted(lambda row: row.session_id == session)
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
    assert _found(sample_gateway, {name: value}) == []


@pytest.mark.parametrize("name", ["guid", "agentflowId", "sessionId", "agentflowName"])
def test_a_value_that_looks_like_sql_is_a_value(sample_gateway: Gateway, name: str) -> None:
    assert _found(sample_gateway, {name: "' OR '1'='1' --"}) == []


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
    found = _found(sample_gateway, {"agentflowName": part})
    assert found == _wanted(lambda row: row.agentflow_id in flows)
    assert len(found) == 4 * len(flows)


def test_agentflow_name_is_the_present_name(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.sql("UPDATE agentflows SET name = 'Renamed' WHERE id = 'flow-a'")
    assert len(_found(gateway, {"agentflowName": "renamed"})) == 4
    assert len(_found(gateway, {"agentflowName": "support"})) == 4


# The state


@pytest.mark.parametrize("state", list(ExecutionState))
def test_state_is_one_of_the_six(sample_gateway: Gateway, state: ExecutionState) -> None:
    found = _found(sample_gateway, {"state": state})
    assert found == _wanted(lambda row: row.state == state)
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
    assert _found(sample_gateway, {"state": value}) == _wanted(lambda row: row.state in states)


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
    assert [row["guid"] for row in answer.json()] == _wanted(
        lambda row: row.state in {"ERROR", "TIMEOUT"}
    )


def test_a_page_of_states_in_brackets_links_to_the_same_states(sample_gateway: Gateway) -> None:
    first = sample_gateway.http.get("/executions?state[]=ERROR&state[]=TIMEOUT&limit=3")
    second = sample_gateway.http.get(first.links["next"]["url"])
    found = [row["guid"] for row in first.json() + second.json()]
    assert found == _wanted(lambda row: row.state in {"ERROR", "TIMEOUT"})[:6]


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
    found = _found(sample_gateway, {"startDate": value})
    assert found == _wanted(lambda row: row.created_on >= BOUND)
    assert 0 < len(found) < len(SAMPLE)


@pytest.mark.parametrize("value", _INSTANTS.values(), ids=_INSTANTS)
def test_end_date_is_included(sample_gateway: Gateway, value: str) -> None:
    found = _found(sample_gateway, {"endDate": value})
    assert found == _wanted(lambda row: row.created_on <= BOUND)
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
    assert _found(gateway, parameters) == expected[::-1]


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
    assert len(_found(sample_gateway, {name: value})) == len(SAMPLE)


# Together


def test_filters_combine_with_and(sample_gateway: Gateway) -> None:
    parameters = {
        "agentflowName": "support",
        "state": "INPROGRESS,TIMEOUT,ERROR",
        "startDate": str(START + 1000),
        "endDate": str(START + 7000),
    }
    found = _found(sample_gateway, parameters)
    assert found == _wanted(
        lambda row: (
            row.agentflow_id in {"flow-a", "flow-e"}
            and row.state in {"INPROGRESS", "TIMEOUT", "ERROR"}
            and START + 1000 <= row.created_on <= START + 7000
        )
    )
    assert found
    assert len(found) < len(_found(sample_gateway, {"agentflowName": "support"}))


@pytest.mark.parametrize(
    "name",
    ["guid", "agentflowId", "agentflowName", "sessionId", "state", "startDate", "endDate"],
)
def test_an_empty_value_is_no_filter(sample_gateway: Gateway, name: str) -> None:
    assert _found(sample_gateway, {name: ""}) == _wanted(lambda _row: True)


@pytest.mark.parametrize("query", ["page=", "limit=", "page=&limit="])
def test_an_empty_page_and_limit_is_the_whole_list(sample_gateway: Gateway, query: str) -> None:
    answer = sample_gateway.http.get(f"/executions?{query}")
    assert len(answer.json()) == len(SAMPLE)
    assert "link" not in answer.headers


# Malformed values

_MALFORMED = {
    "page": [
        "0",
        "-1",
        "1.0",
        "1e1",
        "abc",
        "%2B1",
        "%201",
        "0x1",
        "2147483648",
        "%D9%A1",
        "9" * 5000,
    ],
    "limit": ["0", "-1", "1.5", "abc", "%2B1", "1,000", "NaN", "%D9%A1", "9" * 5000],
    "state": ["finished", "DONE", "FINISHED,", ",", "FINISHED;ERROR", "ERROR,DONE", "%20", "null"],
    "startDate": [
        "yesterday",
        "2023-13-01",
        "2023-02-29",
        "2023-11-14T25:00:00Z",
        "2023-11-14T22:13:20+01:00",
        "14.11.2023",
        "1.5",
        "1e12",
        "NaN",
        "999999999999999",
        "-99999999999999999",
        "9" * 5000,
        "%D9%A1",
        "0001-01-01T00:00:00%2B05:00",
        "2023-11-14T22:13:20Zjunk",
        "2023-11-14T22.5",
        "2023-11-14T22:13.5Z",
        "2023-11-14%2B01:00",
        "2023-11-14T22:13%2B00:99",
        "2023-11-14T22:13%2B05.5",
        "2023-W46",
        "2023-11-14_22:13:20",
        "2023-11-14T22:13:20Z%00",
        "2023-11-14%0A",
        "1700000000",
        "20231114",
        "2023",
        "1",
    ],
}
_MALFORMED["endDate"] = [*_MALFORMED["startDate"], "9999-12-31T23:59:59-05:00"]
_EXPECTATIONS = {
    "page": "a whole number from 1",
    "limit": "a whole number from 1 to 1000",
    "state": "INPROGRESS, FINISHED, ERROR, TERMINATED, TIMEOUT, STOPPED",
    "startDate": "ISO 8601",
    "endDate": "ISO 8601",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value[:30]}")
        for name, values in _MALFORMED.items()
        for value in values
    ],
)
def test_a_malformed_value_is_400_and_named_with_what_would_be_right(
    sample_gateway: Gateway, name: str, value: str
) -> None:
    message = _refusal(sample_gateway, f"{name}={value}")
    shown = httpx.QueryParams(f"{name}={value}")[name]
    given = shown.split(",")[-1].strip() if name == "state" else shown
    assert message.startswith(f"{name} must be ")
    assert _EXPECTATIONS[name] in message
    quoted = repr(given)[1:-1]
    assert f"got '{quoted[:90]}" in message
    assert len(message) < 500


def test_a_plus_that_became_a_space_is_explained(sample_gateway: Gateway) -> None:
    assert "%2B" in _refusal(sample_gateway, "endDate=2023-11-14T22:13:20+01:00")


def test_a_limit_above_the_maximum_is_400_and_names_the_maximum(
    sample_gateway: Gateway,
) -> None:
    assert len(_found(sample_gateway, {"limit": "1000"})) == len(SAMPLE)
    message = _refusal(sample_gateway, "limit=1001")
    assert "1000" in message
    assert "'1001'" in message


def test_the_maximum_is_a_setting(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_page_size=5)
    gateway.insert(SAMPLE)
    assert len(_found(gateway, {"limit": "5"})) == 5
    assert "from 1 to 5;" in _refusal(gateway, "limit=6")


def test_without_a_limit_a_page_is_never_larger_than_the_maximum(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_page_size=5)
    gateway.insert(SAMPLE)
    assert len(_found(gateway, {"page": "1"})) == 5
    assert len(_found(gateway, {})) == len(SAMPLE)


@pytest.mark.parametrize("name", ["page", "limit", "guid", "agentflowId", "startDate"])
def test_a_parameter_that_is_given_twice_is_400(sample_gateway: Gateway, name: str) -> None:
    assert name in _refusal(sample_gateway, f"{name}=1&{name}=2")


def test_a_parameter_that_is_given_twice_with_one_value_counts_once(
    sample_gateway: Gateway,
) -> None:
    answer = sample_gateway.http.get("/executions?guid=guid-07&guid=guid-07&guid=")
    assert [row["guid"] for row in answer.json()] == ["guid-07"]


@pytest.mark.parametrize(
    "name", ["page", "limit", "guid", "agentflowId", "agentflowName", "sessionId", "state"]
)
def test_a_value_that_is_not_utf8_is_400(sample_gateway: Gateway, name: str) -> None:
    assert _refusal(sample_gateway, f"{name}=caf%E9").startswith(f"{name} must be in UTF-8")


def test_a_value_in_raw_utf8_is_read_as_such() -> None:
    raw, encoded = "agentflowName=ärger".encode(), b"agentflowName=%C3%A4rger"
    assert read_list(raw, 10, 10).filter == read_list(encoded, 10, 10).filter


@pytest.mark.parametrize("name", ["guid", "agentflowId", "agentflowName", "sessionId"])
@pytest.mark.parametrize("value", ["%", "%2", "%zz", "a%00", "%00", "+", ";state=ERROR", "a;b"])
def test_a_value_with_odd_characters_matches_only_what_has_them(
    sample_gateway: Gateway, name: str, value: str
) -> None:
    found = sample_gateway.http.get(f"/executions?{name}={value}").json()
    decoded = unquote(value.replace("+", " "))
    # No guid, id or session of the sample has them.
    is_name = name == "agentflowName"
    wanted = _wanted(lambda row: is_name and decoded in (row.agentflow_name or ""))
    assert [row["guid"] for row in found] == wanted
    assert len(found) < len(SAMPLE)


def test_as_many_parameters_are_read_as_the_setting_says(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_parameters=3)
    assert gateway.http.get("/executions?a=1&b=2&limit=1").status_code == 200
    message = _refusal(gateway, "a=1&b=2&limit=1&c")
    assert message == "A query may have at most 3 parameters (max_parameters); got 4"


@pytest.mark.parametrize("separator", ["&", ";", "%3B", "%3b"])
def test_what_may_be_a_parameter_counts_as_one(sample_gateway: Gateway, separator: str) -> None:
    query = "own=" + separator.join(["a=1"] * 101)
    assert "at most 100 parameters" in _refusal(sample_gateway, query)


def test_one_malformed_value_among_good_ones_is_400(sample_gateway: Gateway) -> None:
    message = _refusal(sample_gateway, "state=ERROR&page=1&limit=5&guid=a&endDate=never")
    assert "'never'" in message
