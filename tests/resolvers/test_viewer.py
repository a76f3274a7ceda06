"""Who is asking, as the root field ``viewer`` tells it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gateway import Gateway, bearer, make_key

VIEWER = "{ viewer { name scopes workspaceId } }"
EVERYTHING = ["READ", "UPDATE", "DELETE"]


def _viewer(gateway: Gateway, key: str) -> Any:
    answer = gateway.http.post("/graphql", json={"query": VIEWER}, headers=bearer(key))
    return answer.json()["data"]["viewer"]


@pytest.fixture
def locked(gateway_with: Callable[..., Gateway]) -> Gateway:
    return gateway_with(auth="keys")


def test_whoever_needs_no_key_has_no_name_and_may_do_everything(gateway: Gateway) -> None:
    nobody = {"name": None, "scopes": EVERYTHING, "workspaceId": None}
    assert gateway.graphql(VIEWER) == {"viewer": nobody}


def test_the_viewer_of_a_key_is_its_name_with_its_scopes_in_their_order(locked: Gateway) -> None:
    key = make_key(locked.place, "delete", "read")
    assert _viewer(locked, key) == {
        "name": "test",
        "scopes": ["READ", "DELETE"],
        "workspaceId": None,
    }


def test_a_key_for_a_workspace_knows_which(locked: Gateway) -> None:
    key = make_key(locked.place, "read", workspace="ws-a")
    assert _viewer(locked, key) == {"name": "test", "scopes": ["READ"], "workspaceId": "ws-a"}
