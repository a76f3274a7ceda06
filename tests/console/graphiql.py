"""The actions of a user of GraphiQL."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.console.browser import Visit
from tests.faults.programs import wait_until

EXAMPLES = (
    "NewestFailures",
    "NextPage",
    "OneExecution",
    "Agentflows",
    "Statistics",
    "WatchExecutions",
    "StopExecution",
    "DeleteExecutions",
)
"""The tabs that it opens with."""


class GraphiQL(Visit):
    """A user's visit to GraphiQL."""

    def open(self, path: str = "/graphql") -> Page:
        """Open the page, and wait until GraphiQL is there with the schema."""
        with self.page.expect_response(_answers_introspection):
            self.page.goto(f"{self.url}{path}")
        expect(self.editor("Operation Editor")).to_be_visible()
        return self.page

    def wait_for_workers(self) -> None:
        """Wait for the workers of the editors: for GraphQL, for JSON, and for all texts."""
        while len(self.page.workers) < 3:
            self.page.wait_for_event("worker")

    def editor(self, label: str) -> Locator:
        """The text in an editor."""
        return self.page.get_by_label(label, exact=True).locator(".view-lines").first

    def write(self, text: str) -> None:
        """Replace what is in the editor for operations, with the keyboard."""
        self.editor("Operation Editor").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)

    def run(self) -> None:
        """Run what is in the editors, with the keyboard."""
        self.editor("Operation Editor").click()
        self.page.keyboard.press("Control+Enter")

    def press_execute(self) -> None:
        """Run what is in the editors, with the button."""
        self.page.get_by_label("Execute query (Ctrl-Enter)").click()

    def run_until_refused(self) -> None:
        """Run it again and again, until the gateway has noticed that it may not be."""
        while not self.refusal.is_visible():
            with self.page.expect_response(lambda response: response.request.method == "POST"):
                self.run()

    def tab(self, name: str) -> Locator:
        """A tab with an operation."""
        return self.page.get_by_role("tab", name=name)

    def tabs(self) -> list[str]:
        """The titles of all tabs."""
        return self.page.locator(".graphiql-tab-button").all_text_contents()

    @property
    def refusal(self) -> Locator:
        """Where the page says why it was refused something; the editors have alerts too."""
        return self.page.locator("#console > [role=alert]")

    def wait_for_storage(self, name: str, text: str) -> None:
        """Wait until GraphiQL, which takes its time, has kept something with a text in it."""
        read = f"localStorage['executions-gateway:graphiql:{name}'] ?? ''"
        wait_until(lambda: text in self.page.evaluate(read))

    @property
    def result(self) -> Locator:
        """What the page shows as the result."""
        return self.page.locator(".graphiql-response .view-lines").first

    def expect_result(self, text: str | re.Pattern[str]) -> None:
        """Wait until the result has a text in it."""
        expect(self.result).to_contain_text(text)


def _answers_introspection(response: Any) -> bool:
    return "IntrospectionQuery" in (response.request.post_data or "") and response.ok
