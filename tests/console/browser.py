"""A browser that reaches one gateway and nothing else, and the actions of its user."""

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Response,
    WebSocket,
    expect,
    sync_playwright,
)

from tests.faults.programs import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# What machines that test at full load need; nothing waits longer than it has to.
_PATIENCE_MS = 30_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, with a profile of its own, until the block ends."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A user's visit to GraphiQL: one page, its requests, and its console errors."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        context.set_default_timeout(_PATIENCE_MS)
        self.url = url
        self.context = context
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.page.on("console", self._note)
        self.page.on("websocket", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.received: dict[str, int] = {}
        context.on("request", lambda request: self.requested.append(request.url))
        context.on("response", self._receive)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _listen(self, socket: WebSocket) -> None:
        for event in ("framesent", "framereceived"):
            socket.on(event, lambda frame: self.messages.append(json.loads(frame)))

    def _receive(self, response: Response) -> None:
        # The answer to a worker's request says how long it is, and nothing else does.
        length = int(response.headers.get("content-length", "0"))
        self.received[response.url] = self.received.get(response.url, 0) + length

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

    def hosts(self) -> set[str]:
        """The hosts that anything on the page asked, or tried to."""
        return {urlsplit(url).netloc for url in self.requested if not url.startswith("data:")}


def _answers_introspection(response: Any) -> bool:
    return "IntrospectionQuery" in (response.request.post_data or "") and response.ok


@contextlib.contextmanager
def visit(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A visit with storage of its own, until the block ends."""
    context = browser.new_context(**options)
    try:
        yield Visit(context, url)
    finally:
        context.close()
