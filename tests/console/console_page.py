"""The actions of a user of the console, and what its page asks the gateway for."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from graphql import OperationDefinitionNode, parse
from playwright.sync_api import BrowserContext, Page, Request, expect

from server.http.bundle import FOLDER
from tests.console.browser import Visit

LIST = "/?view=executions"
"""The address of the list of all executions."""
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
"""A visit with a phone, as options of it."""
MANIFEST = FOLDER / "operations.json"
_KEY = "executions-gateway:key"
# Each text that a status has had, in their order, whatever it has by now.
_NOTE_WHAT_IS_SAID = """
window.said = [];
const last = new WeakMap();
new MutationObserver(() => {
  for (const status of document.querySelectorAll("[role=status]")) {
    const text = status.textContent;
    if (text !== "" && text !== last.get(status)) window.said.push(text);
    last.set(status, text);
  }
}).observe(document, { characterData: true, childList: true, subtree: true });
"""
# A refusal is said twice: in the answer, which tests read, and by the browser.
_BY_THE_BROWSER = "Failed to load resource"


def operations() -> Mapping[str, str]:
    """The texts of the console's operations by their ids."""
    texts: dict[str, str] = json.loads(MANIFEST.read_text("utf-8"))
    return texts


def name_of(text: str) -> str:
    """The name of the operation in a document."""
    [name] = [
        each.name.value
        for each in parse(text).definitions
        if isinstance(each, OperationDefinitionNode) and each.name
    ]
    return name


class ConsolePage(Visit):
    """A user's visit to the console."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        super().__init__(context, url)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """The names and the variables of the operations that were sent over HTTP."""
        self._names = {id_: name_of(text) for id_, text in operations().items()}
        context.on("request", self._note_operation)

    def _note(self, message: Any) -> None:
        is_asset = "/assets/" in message.location.get("url", "")
        if is_asset or not message.text.startswith(_BY_THE_BROWSER):
            super()._note(message)

    def _note_operation(self, request: Request) -> None:
        body = request.post_data if urlsplit(request.url).path.endswith("/graphql") else None
        if body:
            sent = json.loads(body)
            named = self._names[sent["documentId"]], sent.get("variables") or {}
            self.asked.append(named)

    def use_key(self, key: str) -> None:
        """Have a key in this tab, as if it had been entered, from the next page on."""
        arguments = f"{json.dumps(_KEY)}, {json.dumps(key)}"
        self.page.add_init_script(f"sessionStorage.setItem({arguments})")

    def listen(self) -> None:
        """Note what the page says to screen readers, from the next page on."""
        self.page.add_init_script(f"(() => {{ {_NOTE_WHAT_IS_SAID} }})()")

    def said(self) -> list[str]:
        """What the page has said since it was opened, also what it says no longer."""
        texts: list[str] = self.page.evaluate("window.said")
        return texts

    def expect_said(self, text: str) -> None:
        """Wait until the page has said a text, which it may say for a few seconds alone."""
        self.page.wait_for_function(
            "text => window.said.some((each) => each.includes(text))", arg=text
        )

    def open(self, address: str = "/") -> Page:
        """Open an address such as ``/?view=executions``, and wait until everything is there."""
        self.page.goto(f"{self.url}{address}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing on the page is being loaded: what is says so by ``aria-busy``."""
        expect(self.page.get_by_role("main")).to_be_visible()
        expect(self.page.locator('[aria-busy="true"]')).to_have_count(0)

    def elements(self) -> int:
        """How many elements the page has."""
        count: int = self.page.evaluate("document.getElementsByTagName('*').length")
        return count

    def expect_no_complaints(self) -> None:
        """Expect that nothing went wrong, and that no other host was asked.

        What a test provokes on purpose, it takes out of ``complaints``.
        """
        assert self.complaints == []
        assert self.hosts() <= {urlsplit(self.url).netloc}
