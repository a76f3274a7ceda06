"""The console where the gateway runs trusted documents alone: its own are always among them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from graphql import OperationType, Undefined, get_operation_ast, parse
from playwright.sync_api import expect

from tests.console.console_page import ConsolePage, name_of, operations
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


@pytest.fixture
def trusting(browser: object, copy_of_demo: Place, tmp_path: Path) -> Iterator[Gateway]:  # noqa: ARG001 - it is skipped without a build
    """A gateway that runs the console's operations alone, and does not describe itself."""
    manifest = tmp_path / "trusted.json"
    manifest.write_text("{}")
    with running_gateway(copy_of_demo, trusted_documents=manifest, introspection=False) as gateway:
        yield gateway


def test_the_console_shows_and_changes_executions_where_nothing_else_runs(
    open_console: Callable[..., ConsolePage], trusting: Gateway
) -> None:
    refused = trusting.post("{ executions { totalCount } }").json()
    assert refused["errors"]
    [[guid, name]] = trusting.sql(
        "SELECT guid, name FROM executions JOIN agentflows ON agentflows.id = agentflow_id"
        " WHERE state = 'INPROGRESS' ORDER BY created_on DESC LIMIT 1"
    )
    console = open_console(trusting)
    page = console.open("/?view=executions&filter=state:INPROGRESS")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("complementary", name="Execution")
    expect(drawer.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("s")
    page.get_by_role("button", name="Stop 1 execution").click()
    expect(drawer.get_by_text("Stopped").first).to_be_visible()
    assert trusting.sql("SELECT state FROM executions WHERE guid = ?", guid) == [("STOPPED",)]
    page.get_by_role("link", name="Overview").click()
    console.settle()
    expect(page.get_by_role("main").get_by_role("slider", name="Timeline")).to_be_visible()


def _needs_variables(text: str) -> bool:
    operation = get_operation_ast(parse(text))
    assert operation
    return any(
        each.type.kind == "non_null_type" and each.default_value in (None, Undefined)
        for each in operation.variable_definitions or ()
    )


def test_every_operation_of_the_console_runs_where_nothing_else_does(trusting: Gateway) -> None:
    for id_, text in operations().items():
        answer = trusting.http.post("/graphql", json={"documentId": id_}).json()
        codes = [each["extensions"]["code"] for each in answer.get("errors", ())]
        operation = get_operation_ast(parse(text))
        assert operation
        is_asked_otherwise = operation.operation is OperationType.SUBSCRIPTION
        if is_asked_otherwise or _needs_variables(text):
            assert set(codes) == {"BAD_USER_INPUT"}, (text, answer)
        else:
            assert codes == [], (text, answer)


def test_no_two_operations_of_the_console_have_the_same_name() -> None:
    names = [name_of(text) for text in operations().values()]
    assert len(set(names)) == len(names)
