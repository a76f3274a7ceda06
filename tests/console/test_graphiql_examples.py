"""The examples that GraphiQL opens with, of which some change executions and one watches them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.console.graphiql import EXAMPLES, GraphiQL
from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.server.wire import taken_places

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


@pytest.fixture
def at_work(browser: Browser, gateway: Gateway) -> Iterator[GraphiQL]:
    """A visit to a gateway whose executions may be changed."""
    with GraphiQL.begin(browser, gateway.url) as visiting:
        yield visiting


def _run_tab(visitor: GraphiQL, name: str) -> None:
    visitor.tab(name).click()
    expect(visitor.editor("Operation Editor")).to_contain_text(name)
    visitor.press_execute()


def test_the_examples_stand_in_tabs(visitor: GraphiQL) -> None:
    visitor.open()
    assert visitor.tabs() == list(EXAMPLES)


def test_the_examples_that_read_show_executions(visitor: GraphiQL, demo_gateway: Gateway) -> None:
    visitor.open()
    asked = "{ executions(first: 11) { nodes { guid } } }"
    nodes = demo_gateway.graphql(asked)["executions"]["nodes"]
    for name, shown in (
        ("NewestFailures", '"state": "ERROR"'),
        ("NextPage", nodes[10]["guid"]),
        ("OneExecution", nodes[0]["guid"]),
        ("Agentflows", '"byState"'),
        ("Statistics", '"byAgentflow"'),
    ):
        _run_tab(visitor, name)
        visitor.expect_result(shown)
    assert visitor.complaints == []


def test_the_example_that_stops_an_execution_changes_its_row(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    at_work.tab("StopExecution").click()
    variables = at_work.editor("Variables")
    expect(variables).to_contain_text("INPROGRESS")
    [guid] = re.findall(r"[0-9a-f-]{36}", variables.text_content() or "")
    state = "SELECT state FROM executions WHERE guid = ?"
    assert gateway.sql(state, guid) == [("INPROGRESS",)]
    _run_tab(at_work, "StopExecution")
    at_work.expect_result('"state": "STOPPED"')
    assert gateway.sql(state, guid) == [("STOPPED",)]
    at_work.run()
    at_work.expect_result('"message"')
    assert at_work.complaints == []


def test_the_example_that_deletes_executions_deletes_two(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _run_tab(at_work, "DeleteExecutions")
    at_work.expect_result('"affected": 2')
    assert gateway.sql("SELECT count(*) FROM executions") == [(1998,)]


def test_examples_of_an_earlier_visit_are_about_executions_that_are_there(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _run_tab(at_work, "OneExecution")
    at_work.expect_result('"guid"')
    at_work.wait_for_storage("tabState", '"activeTabIndex":2')
    [(guid,)] = gateway.sql("SELECT guid FROM executions ORDER BY created_on DESC, id DESC LIMIT 1")
    gateway.sql("DELETE FROM executions WHERE guid = ?", guid)
    at_work.open()
    assert at_work.tabs() == list(EXAMPLES)
    _run_tab(at_work, "OneExecution")
    at_work.expect_result('"guid"')
    expect(at_work.result).not_to_contain_text(str(guid))


# Subscriptions


def _end(gateway: Gateway, state: str) -> str:
    """End an execution that is running, as an engine does; its guid."""
    [(guid,)] = gateway.sql("SELECT guid FROM executions WHERE state = 'INPROGRESS' LIMIT 1")
    gateway.sql("UPDATE executions SET state = ? WHERE guid = ?", state, guid)
    return str(guid)


def _is_watched(gateway: Gateway) -> bool:
    return taken_places(gateway, "max_subscriptions") == 1


def _watch_and_stop(visitor: GraphiQL, gateway: Gateway) -> None:
    """Run the example that watches executions, see two of them end, and stop it."""
    visitor.page.bring_to_front()
    _run_tab(visitor, "WatchExecutions")
    wait_until(lambda: _is_watched(gateway))
    for state in ("FINISHED", "ERROR"):
        guid = _end(gateway, state)
        visitor.expect_result(guid)
        visitor.expect_result(f'"state": "{state}"')
    visitor.page.get_by_label("Stop query (Ctrl-Enter)").click()
    wait_until(lambda: not _is_watched(gateway))
    ended = _end(gateway, "TIMEOUT")
    expect(visitor.page.get_by_label("Execute query (Ctrl-Enter)")).to_be_visible()
    expect(visitor.result).not_to_contain_text(ended)


def test_the_example_that_watches_executions_shows_events_until_it_is_stopped(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _watch_and_stop(at_work, gateway)
    types = [message["type"] for message in at_work.messages]
    assert types[:4] == ["connection_init", "connection_ack", "subscribe", "next"]
    assert at_work.complaints == []


def test_events_are_shown_where_no_websocket_gets_through(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.page.route_web_socket("**/*", lambda socket: socket.close(code=1006))
    at_work.open()
    _watch_and_stop(at_work, gateway)
    assert at_work.messages == []
