"""Requests of the console that a test keeps back for a while."""

import json

from playwright.sync_api import Page, Route

from tests.console.console_page import name_of, operations


def hold(page: Page, operation: str, held: list[Route]) -> None:
    """Keep the requests of an operation back, until the test lets them go."""
    names = {id_: name_of(text) for id_, text in operations().items()}

    def catch(route: Route) -> None:
        if names[json.loads(route.request.post_data or "{}")["documentId"]] == operation:
            held.append(route)
        else:
            route.continue_()

    page.route("**/graphql", catch)


def held_request(page: Page, held: list[Route]) -> Route:
    """The request that is kept back, once it is there."""
    while not held:
        page.evaluate("new Promise(requestAnimationFrame)")
    return held.pop()
