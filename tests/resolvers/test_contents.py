"""The data of executions is shown where it is selected, and within bounds."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db.contents.shown import show
from tests.gateway import Gateway, bearer, insert, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import subscribed
from tests.statements import recorded_statements

ROWS = SAMPLE[:12]
STEP: Any = {
    "nodeId": "llm_0",
    "nodeLabel": "Answer",
    "data": {"name": "llmAgentflow", "input": {"question": "Hi"}, "output": {"content": "Hello"}},
    "previousNodeIds": ["start_0"],
    "status": "FINISHED",
}
TEXT = json.dumps([STEP])
ONE = "query ($guid: ID!) { execution(guid: $guid) { data dataProblem steps { nodeId } } }"


def leave(place: Place | Gateway, text: str, *guids: str) -> None:
    """Write contents as an engine does."""
    place = place.place if isinstance(place, Gateway) else place
    place.run(
        "INSERT INTO execution_data (execution_id, data)"
        " SELECT id, CAST(? AS TEXT) FROM executions WHERE guid = ?"
        " ON CONFLICT (execution_id) DO UPDATE SET data = excluded.data",
        [(text, guid) for guid in guids],
    )


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    """A gateway over executions of which every other has a content."""
    place = new_place()
    insert(place, ROWS)
    leave(place, TEXT, *(row.guid for row in ROWS[::2]))
    with running_gateway(place) as running:
        yield running


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.insert(ROWS)
    return gateway


# Where it is shown


def test_an_execution_shows_its_data_and_steps(shared: Gateway) -> None:
    query = """query ($guid: ID!) { execution(guid: $guid) { data dataProblem steps {
      nodeId label name status startedOn error input output previous parent iteration cost
    } } }"""
    assert shared.graphql(query, guid=ROWS[0].guid)["execution"] == {
        "data": [STEP],
        "dataProblem": None,
        "steps": [
            {
                "nodeId": "llm_0",
                "label": "Answer",
                "name": "llmAgentflow",
                "status": "FINISHED",
                "startedOn": None,
                "error": None,
                "input": {"question": "Hi"},
                "output": {"content": "Hello"},
                "previous": ["start_0"],
                "parent": None,
                "iteration": None,
                "cost": None,
            }
        ],
    }
    assert shared.graphql(ONE, guid=ROWS[1].guid)["execution"] == {
        "data": None,
        "dataProblem": None,
        "steps": [],
    }


@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ("{ executions { nodes { guid } } }", 1),
        ("{ executions { nodes { data } } }", 3),
        (
            "{ executions { nodes { a: data b: data dataProblem c: steps { nodeId input } } } }",
            3,
        ),
        ("{ executions { nodes { data } edges { node { data } } } }", 5),
        ("{ agentflows { nodes { executions(first: 3) { nodes { steps { label } } } } } }", 4),
        ('{ execution(guid: "none") { data } }', 1),
    ],
)
def test_each_level_reads_it_at_once_and_only_if_it_is_selected(
    shared: Gateway, query: str, statements: int
) -> None:
    shared.graphql(query)
    with recorded_statements() as sent:
        shared.graphql(query)
    assert len(sent) == statements, sent


def test_a_level_without_contents_reads_no_text(shared: Gateway) -> None:
    shared.graphql(ONE, guid=ROWS[1].guid)
    with recorded_statements() as sent:
        shared.graphql(ONE, guid=ROWS[1].guid)
    assert len(sent) == 2


def test_the_result_of_a_change_shows_it(gateway: Gateway) -> None:
    leave(gateway, TEXT, ROWS[0].guid)
    change = """mutation ($guids: [ID!]!) {
      updateExecutions(guids: $guids, input: {state: STOPPED}) {
        executions { guid data steps { nodeId } }
      }
    }"""
    guids = [ROWS[0].guid, ROWS[1].guid]
    assert gateway.graphql(change, guids=guids)["updateExecutions"]["executions"] == [
        {"guid": guids[0], "data": [STEP], "steps": [{"nodeId": "llm_0"}]},
        {"guid": guids[1], "data": None, "steps": []},
    ]


def test_several_changes_in_one_operation_show_it(gateway: Gateway) -> None:
    leave(gateway, TEXT, ROWS[0].guid)
    change = """mutation ($guid: ID!) {
      a: updateExecution(guid: $guid, input: {state: ERROR}) { ...Data }
      b: updateExecution(guid: $guid, input: {state: STOPPED}) { ...Data }
    } fragment Data on UpdateExecutionSuccess { execution { data } }"""
    data = gateway.graphql(change, guid=ROWS[0].guid)
    shown = {"execution": {"data": [STEP]}}
    assert data == {"a": shown, "b": shown}


def test_a_key_that_may_only_change_executions_does_not_see_it(place: Place) -> None:
    insert(place, ROWS[:1])
    change = """mutation ($guid: ID!) { updateExecution(guid: $guid, input: {}) {
      ... on UpdateExecutionSuccess { execution { guid dataProblem } }
    } }"""
    headers = bearer(make_key(place, "update"))
    with running_gateway(place, auth="keys") as gateway:
        body = {"query": change, "variables": {"guid": ROWS[0].guid}}
        refused = gateway.http.post("/graphql", json=body, headers=headers).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_events_show_it_as_it_is_now_in_one_line_and_nothing_of_what_is_deleted(
    gateway: Gateway,
) -> None:
    guid = ROWS[0].guid
    leave(gateway, json.dumps([STEP], indent=1).replace("\n", "\r\n"), guid)
    query = "subscription { executionEvents { type execution { data steps { output } } } }"
    with subscribed(gateway, query) as source:
        source.next_position()
        gateway.sql("UPDATE executions SET session_id = 'other' WHERE guid = ?", guid)
        steps = [{"output": {"content": "Hello"}}]
        assert source.next().event == {
            "type": "UPDATED",
            "execution": {"data": [STEP], "steps": steps},
        }
        gateway.sql("DELETE FROM executions WHERE guid = ?", guid)
        assert source.next().event["execution"] == {"data": None, "steps": []}


# What is none


@pytest.mark.parametrize(
    ("text", "data", "problem"),
    [
        ("[]", [], None),
        ("[1, null]", [1, None], None),
        ("null", None, "Its steps can't be shown: it is no list"),
        ('"[]"', "[]", "Its steps can't be shown: it is no list"),
        ('{"a": [1]}', {"a": [1]}, "Its steps can't be shown: it is no list"),
        ("", None, "It is no JSON: expected a value at character 0"),
        ("[NaN]", None, "It is no JSON: expected a value at character 1"),
        ("[1", None, "It is no JSON: expected ']' at character 2"),
        (
            "[" * 100_000,
            None,
            "It is no JSON: more than 1,000 lists and objects are inside each other",
        ),
    ],
)
def test_what_is_no_list_of_steps_says_why(
    gateway: Gateway, text: str, data: Any, problem: str | None
) -> None:
    leave(gateway, text, ROWS[0].guid)
    shown = gateway.graphql(ONE, guid=ROWS[0].guid)["execution"]
    assert shown == {"data": data, "dataProblem": problem, "steps": []}


def test_json_is_passed_on_as_it_was_written(gateway: Gateway) -> None:
    written = r'[{"data":{"input":{"a":1.10,"a":1E400,"b":"\ud800\u0000é","c":' + "9" * 100_000
    written += "}}}]"
    leave(gateway, written, ROWS[0].guid)
    body = gateway.post(
        "query ($guid: ID!) { execution(guid: $guid) { data steps { input } } }", guid=ROWS[0].guid
    ).text
    shown = written[len('[{"data":{"input":') : -len("}}]")]
    assert body == (
        f'{{"data":{{"execution":{{"data":{written},"steps":[{{"input":{shown}}}]}}}}}}'
    )


def test_ids_of_credentials_are_not_shown(gateway: Gateway) -> None:
    data = {"input": {"llmModelConfig": {"FLOWISE_CREDENTIAL_ID": 'a "secret\\', "model": "m"}}}
    leave(gateway, json.dumps([{"data": data}]), ROWS[0].guid)
    query = "query ($guid: ID!) { execution(guid: $guid) { data steps { input } } }"
    shown = gateway.graphql(query, guid=ROWS[0].guid)["execution"]
    hidden = {"llmModelConfig": {"FLOWISE_CREDENTIAL_ID": None, "model": "m"}}
    assert shown == {"data": [{"data": {"input": hidden}}], "steps": [{"input": hidden}]}


# How much of it


def _cut(size: int, room: int, most: int) -> str:
    return (
        f"It has {size:,} bytes, and this response has room for {room:,} more bytes of contents"
        f" (max_data_bytes is {most:,})"
    )


def test_what_a_response_has_no_room_for_is_left_out_and_named(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_data_bytes=100)
    gateway.insert(ROWS[:4])
    sizes = [60, 41, 40, 1]
    for row, size in zip(ROWS, sizes, strict=False):
        leave(gateway, "[" + "1" * (size - 2) + "]" if size > 1 else "1", row.guid)
    query = "{ nodes: executions(orderBy: [{field: CREATED_ON, direction: ASC}]) { nodes {"
    nodes = gateway.graphql(f"{query} data dataProblem }} }} }}")["nodes"]["nodes"]
    assert [each["data"] is not None for each in nodes] == [True, False, True, False]
    assert nodes[1]["dataProblem"] == _cut(41, 40, 100)
    assert nodes[3]["dataProblem"] == _cut(1, 0, 100)


@pytest.mark.parametrize(
    ("fields", "copies"),
    [
        ("data", 1),
        ("data dataProblem", 1),
        ("data steps { nodeId label previous }", 1),
        ("a: data b: data steps { input output }", 3),
        ("steps { a: input b: input output }", 2),
        ("a: steps { output } b: steps { error }", 2),
        ("steps { a: nodeId b: nodeId c: nodeId }", 2),
    ],
)
def test_what_is_written_several_times_takes_as_much_more_room(
    gateway_with: Callable[..., Gateway], fields: str, copies: int
) -> None:
    text = json.dumps([STEP | {"more": "x" * 1_000}])
    gateway = gateway_with(max_data_bytes=copies * len(text))
    gateway.insert(ROWS[:1])
    leave(gateway, text, ROWS[0].guid)
    query = f"query ($guid: ID!) {{ execution(guid: $guid) {{ {fields} guid }} }}"
    shown = json.dumps(gateway.graphql(query, guid=ROWS[0].guid))
    leave(gateway, f"{text} ", ROWS[0].guid)
    assert len(json.dumps(gateway.graphql(query, guid=ROWS[0].guid))) < len(shown)


def test_a_response_is_bounded_where_many_rows_lead_to_the_same(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_data_bytes=10_000)
    gateway.insert([row._replace(agentflow_id="one") for row in ROWS])
    leave(gateway, json.dumps(["x" * 500]), *(row.guid for row in ROWS))
    [node] = gateway.graphql("{ executions(first: 1) { nodes { id } } }")["executions"]["nodes"]
    queries = [
        "{ executions { nodes { agentflow { executions(first: 3) { nodes { data } } } } } }",
        "{ executions { nodes { data agentflow { executions(first: 3) { nodes { data } } } } } }",
        "{ executions { a: nodes { data } edges { node { data } } b: nodes { data } } }",
    ]
    for query in queries:
        assert "xxx" in gateway.post(query).text
        assert len(gateway.post(query).content) < 12_000, query
    ids = [node["id"]] * 100
    repeated = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Execution { data } } }"
    assert len(gateway.post(repeated, ids=ids).content) < 12_000
    assert "xxx" in gateway.post(repeated, ids=ids[:9]).text


def test_short_steps_do_not_become_a_long_response(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_data_bytes=51_200)
    gateway.insert(ROWS[:1])
    leave(gateway, json.dumps([{}] * 100), ROWS[0].guid)
    assert len(gateway.graphql(ONE, guid=ROWS[0].guid)["execution"]["steps"]) == 100
    leave(gateway, json.dumps([{}] * 101), ROWS[0].guid)
    shown = gateway.graphql(ONE, guid=ROWS[0].guid)["execution"]
    assert shown["steps"] == []
    assert shown["dataProblem"] == "Its steps can't be shown: it has more than 100 steps"


def test_fifty_megabytes_are_named_and_not_read(gateway: Gateway) -> None:
    size = 50 * 2**20
    leave(gateway, json.dumps(["x" * (size - 4)]), ROWS[0].guid)
    shown = gateway.graphql(ONE, guid=ROWS[0].guid)["execution"]
    most = 10 * 2**20
    assert shown == {"data": None, "dataProblem": _cut(size, most, most), "steps": []}


def test_contents_cost_more_than_other_fields(shared: Gateway) -> None:
    query = "{ executions(first: %d) { nodes { data steps { nodeId } } } }"
    shared.graphql(query % 100)
    code, message = shared.refused(query % 200)
    assert (code, "max_cost" in message) == ("OPERATION_TOO_COMPLEX", True)


def test_the_loop_is_free_while_a_long_content_is_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(gateway, json.dumps(["x" * 100_000]), ROWS[0].guid)
    is_answered = threading.Event()

    def read_late(*given: Any) -> Any:
        assert is_answered.wait(60)
        return show(*given)

    monkeypatch.setattr("db.contents.room.show", read_late)
    shown: list[Any] = []
    asking = threading.Thread(
        target=lambda: shown.append(gateway.graphql(ONE, guid=ROWS[0].guid)["execution"]["data"])
    )
    asking.start()
    try:
        assert gateway.http.get("/healthz").status_code == 200
        assert shown == []
    finally:
        is_answered.set()
        asking.join()
    assert shown == [["x" * 100_000]]


def test_a_content_is_shown_while_larger_ones_are_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(gateway, json.dumps(["x" * 2_000_000]), *(row.guid for row in ROWS[:4]))
    leave(gateway, json.dumps(["x" * 20_000]), ROWS[4].guid)
    is_answered = threading.Event()

    def read_late(text: str, *given: Any) -> Any:
        assert len(text) < 1_000_000 or is_answered.wait(60)
        return show(text, *given)

    monkeypatch.setattr("db.contents.room.show", read_late)
    asking = [
        threading.Thread(target=gateway.graphql, args=(ONE,), kwargs={"guid": row.guid})
        for row in ROWS[:4]
    ]
    for each in asking:
        each.start()
    try:
        assert gateway.graphql(ONE, guid=ROWS[4].guid)["execution"]["data"] == ["x" * 20_000]
    finally:
        is_answered.set()
        for each in asking:
            each.join()
