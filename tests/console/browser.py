"""A browser that reaches one gateway and nothing else, and the actions of its user."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Response,
    WebSocket,
    expect,
    sync_playwright,
)

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
def chromium(**options: Any) -> Iterator[Browser]:
    """The system's Chromium, with a profile of its own, until the block ends."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS, **options)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A user's visit to a gateway: one page, its requests, and its console errors."""

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

    @classmethod
    @contextlib.contextmanager
    def begin(cls, browser: Browser, url: str, **options: Any) -> Iterator[Self]:
        """A visit with storage of its own, until the block ends."""
        context = browser.new_context(**options)
        try:
            yield cls(context, url)
        finally:
            context.close()

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

    def hosts(self) -> set[str]:
        """The hosts that anything on the page asked, or tried to."""
        return {urlsplit(url).netloc for url in self.requested if not url.startswith("data:")}
