"""The console in a browser that reaches nothing but the gateway: its page, and what it asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationType, Undefined, get_operation_ast, parse
from playwright.sync_api import Browser, expect

from tests.console.console_page import ConsolePage, name_of, operations
from tests.console.path_proxy import proxy_below
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


# Loading


def test_the_console_is_at_the_start(console_page: ConsolePage) -> None:
    page = console_page.open()
    expect(page).to_have_title("Overview · Executions Gateway")


def test_the_console_works_below_the_path_of_a_proxy(
    browser: Browser, demo_gateway: Gateway
) -> None:
    with (
        proxy_below(demo_gateway.url, "/runs") as url,
        ConsolePage.begin(browser, url) as visiting,
    ):
        page = visiting.open("/")
        expect(page.get_by_role("banner")).to_contain_text("Live")
        page.get_by_role("link", name="Executions", exact=True).click()
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        visiting.expect_no_complaints()


def test_the_overview_counts_a_hundred_thousand_executions(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    page = open_console(many_gateway).open("/?range=all")
    expect(page.get_by_role("main").get_by_role("link", name="100,000")).to_be_visible()


# Operations


@pytest.fixture
def trusting(browser: object, place: Place, tmp_path: Path) -> Any:  # noqa: ARG001 - it is skipped without a build
    """A gateway that runs the console's operations alone, over an empty database."""
    manifest = tmp_path / "trusted.json"
    manifest.write_text("{}")
    with running_gateway(place, trusted_documents=manifest, introspection=False) as gateway:
        yield gateway


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
