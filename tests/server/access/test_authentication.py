"""Keys: who gets in, what they may do, and how soon a revoked key is refused."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest

from db.instants import now_ms
from db.keys import Keys, Scope
from db.opening import open_database
from resolvers.schema import build_schema
from schema.declarations import scope_of
from server.http.health import health_routes
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import subscribed

_SCHEMA = build_schema()._schema
GUID = SAMPLE[1].guid
GUID_B = SAMPLE[2].guid
ROOT_FIELDS = {
    "execution": f'query {{ execution(guid: "{GUID}") {{ guid }} }}',
    "executions": "query { executions { totalCount } }",
    "executionPage": "query { executionPage { totalCount } }",
    "agentflow": 'query { agentflow(agentflowId: "a") { name } }',
    "agentflows": "query { agentflows { totalCount } }",
    "executionStats": "query { executionStats { totalCount } }",
    "session": 'query { session(sessionId: "a") { id } }',
    "node": 'query { node(id: "a") { id } }',
    "nodes": 'query { nodes(ids: ["a"]) { id } }',
    "updateExecution": (
        f'mutation {{ updateExecution(guid: "{GUID}", input: {{}}) {{ __typename }} }}'
    ),
    "updateExecutions": (
        f'mutation {{ updateExecutions(guids: ["{GUID}"], input: {{}}) {{ affected }} }}'
    ),
    "deleteExecution": f'mutation {{ deleteExecution(guid: "{GUID}") {{ __typename }} }}',
    "updateExecutionsMatching": (
        "mutation { updateExecutionsMatching(filter: {state: {eq: STOPPED}}, input: {})"
        " { affected } }"
    ),
    "deleteExecutionsMatching": (
        "mutation { deleteExecutionsMatching(filter: {state: {eq: STOPPED}}) { affected } }"
    ),
    "deleteExecutions": f'mutation {{ deleteExecutions(guids: ["{GUID}"]) {{ affected }} }}',
    "eventCursor": "query { eventCursor }",
    "viewer": "query { viewer { name } }",
    "executionEvents": "subscription { executionEvents { guid } }",
}
ROUTES: list[tuple[str, str, Scope, Any]] = [
    ("GET", "/executions", Scope.READ, None),
    ("GET", "/executions?page=1", Scope.READ, None),
    ("HEAD", "/executions", Scope.READ, None),
    ("DELETE", "/executions", Scope.DELETE, {"executionIds": [GUID]}),
    ("GET", f"/executions/{GUID}", Scope.READ, None),
    ("HEAD", f"/executions/{GUID}", Scope.READ, None),
    ("PUT", f"/executions/{GUID_B}", Scope.UPDATE, {"state": "STOPPED"}),
    ("DELETE", f"/executions/{GUID}", Scope.DELETE, None),
]
OPEN = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json"]
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def locked(gateway_with: Callable[..., Gateway]) -> Gateway:
    """A gateway that needs keys, with executions."""
    gateway = gateway_with(auth="keys")
    gateway.insert(SAMPLE)
    return gateway


def _ask(gateway: Gateway, query: str, **headers: str) -> httpx.Response:
    return gateway.http.post("/graphql", json={"query": query}, headers=headers)


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


def _root_fields() -> Iterator[tuple[str, Scope]]:
    for kind in (_SCHEMA.query_type, _SCHEMA.mutation_type, _SCHEMA.subscription_type):
        for name, field in kind.fields.items() if kind else ():
            scope = scope_of(field)
            assert scope is not None, f"{name} declares no scope"
            yield name, scope


def test_every_root_field_declares_its_scope_and_is_walked_below() -> None:
    assert {name for name, _ in _root_fields()} == set(ROOT_FIELDS)


# Without a key that opens anything


def _expired(gateway: Gateway) -> str:
    return make_key(gateway.place, "read", "update", "delete", expires_on=now_ms() - 1)


def _revoked(gateway: Gateway) -> str:
    key = make_key(gateway.place, "read", "update", "delete")
    gateway.sql("UPDATE api_keys SET revoked_on = 1")
    return key


_NO_KEYS: list[Any] = [
    pytest.param(lambda _: {}, "Show a key", id="none"),
    pytest.param(lambda _: {"authorization": ""}, "must be: Bearer", id="empty"),
    pytest.param(lambda _: {"authorization": "Bearer"}, "must be: Bearer", id="no token"),
    pytest.param(lambda _: {"authorization": "Basic YTpi"}, "must be: Bearer", id="basic"),
    pytest.param(lambda _: bearer("egw_x"), "not known", id="unknown"),
    pytest.param(lambda _: bearer("x" * 10_000), "not known", id="long"),
    pytest.param(lambda gateway: bearer(_expired(gateway)), "has expired", id="expired"),
    pytest.param(lambda gateway: bearer(_revoked(gateway)), "was revoked", id="revoked"),
]
_Headers = Callable[[Gateway], dict[str, str]]


@pytest.mark.parametrize(("headers", "message"), _NO_KEYS)
def test_without_a_valid_key_every_route_and_root_field_is_401(
    locked: Gateway, headers: _Headers, message: str
) -> None:
    shown = headers(locked)
    # The gateway reads its keys again and again; those made just now are known soon.
    _wait_until(lambda: message in locked.http.get("/executions", headers=shown).text)
    for method, url, _, body in ROUTES:
        answer = locked.http.request(method, url, json=body, headers=shown)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert method == "HEAD" or answer.json()["code"] == "UNAUTHENTICATED"
    for query in [*ROOT_FIELDS.values(), "{ __typename }", "{ __schema { types { name } } }"]:
        for more in ({}, EVENTS):
            answer = _ask(locked, query, **shown, **more)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert _code(answer) == "UNAUTHENTICATED"
    assert locked.sql("SELECT count(*) FROM executions") == [(len(SAMPLE),)]


def test_what_shows_no_executions_needs_no_key(locked: Gateway) -> None:
    for url in OPEN:
        assert locked.http.get(url).status_code == 200
    assert locked.http.get("/graphql", headers={"accept": "text/html"}).status_code == 200
    assert len(health_routes(open_database(locked.place.url))) == 2


def test_the_key_comes_before_the_body(locked: Gateway) -> None:
    for body in (b"{", b"\xff", b"[" * 10_000):
        answer = locked.http.post("/graphql", content=body)
        assert (answer.status_code, _code(answer)) == (401, "UNAUTHENTICATED")
        assert locked.http.request("DELETE", "/executions", content=body).status_code == 401


# With a key


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_opens_what_its_scope_says_and_nothing_else(place: Place, scope: Scope) -> None:
    shown = bearer(make_key(place, scope))
    with running_gateway(place, auth="keys") as gateway:
        gateway.insert(SAMPLE)
        for method, url, needed, body in ROUTES:
            answer = gateway.http.request(method, url, json=body, headers=shown)
            if needed is scope:
                assert answer.status_code in (200, 404)
            else:
                assert answer.status_code == 403
                assert method == "HEAD" or answer.json()["code"] == "FORBIDDEN"
        for name, needed in _root_fields():
            if name == "executionEvents":
                with subscribed(gateway, ROOT_FIELDS[name], headers=shown) as source:
                    assert source.response.status_code == (200 if needed is scope else 403)
                continue
            answer = _ask(gateway, ROOT_FIELDS[name], **shown)
            if needed is scope:
                assert (answer.status_code, "errors" in answer.json()) == (200, False)
            else:
                assert (answer.status_code, _code(answer)) == (403, "FORBIDDEN")


def test_the_refusal_says_which_scope_is_needed(place: Place) -> None:
    shown = bearer(make_key(place, "read"))
    with running_gateway(place, auth="keys") as gateway:
        answer = gateway.http.delete("/executions/abc", headers=shown)
        assert answer.json()["message"] == "This needs a key with the scope delete; yours has read"


def test_a_key_may_have_several_scopes(place: Place) -> None:
    shown = bearer(make_key(place, "read", "delete"))
    with running_gateway(place, auth="keys") as gateway:
        assert gateway.http.get("/executions", headers=shown).status_code == 200
        assert gateway.http.delete("/executions/abc", headers=shown).status_code == 404
        assert gateway.http.put("/executions/abc", headers=shown, json={}).status_code == 403


def test_an_operation_needs_the_scopes_of_all_its_root_fields(place: Place) -> None:
    shown = bearer(make_key(place, "update"))
    with running_gateway(place, auth="keys") as gateway:
        gateway.insert(SAMPLE)
        query = f"""mutation {{
          ... on Mutation {{ updateExecution(guid: "{GUID}", input: {{}}) {{ __typename }} }}
          ...Delete
        }}
        fragment Delete on Mutation {{ deleteExecution(guid: "{GUID}") {{ __typename }} }}"""
        answer = _ask(gateway, query, **shown)
        assert (answer.status_code, _code(answer)) == (403, "FORBIDDEN")
        assert gateway.sql("SELECT count(*) FROM executions") == [(len(SAMPLE),)]


def test_what_a_change_leads_to_needs_the_scope_to_read(place: Place) -> None:
    update = bearer(make_key(place, "update"))
    both = bearer(make_key(place, "read", "update"))
    query = (
        f'mutation {{ updateExecution(guid: "{GUID}", input: {{state: STOPPED}}) {{ ...A }} }}'
        " fragment A on UpdateExecutionSuccess { execution { agentflow { %s } } }"
    )
    executions = "executions { totalCount }"
    with running_gateway(place, auth="keys") as gateway:
        gateway.insert(SAMPLE)
        answer = _ask(gateway, query % executions, **update)
        assert (answer.status_code, _code(answer)) == (403, "FORBIDDEN")
        assert "errors" not in _ask(gateway, query % "name", **update).json()
        assert "errors" not in _ask(gateway, query % executions, **both).json()


def test_the_scheme_is_read_in_any_case(place: Place) -> None:
    key = make_key(place, "read")
    with running_gateway(place, auth="keys") as gateway:
        headers = {"authorization": f"bEARER  {key}"}
        assert gateway.http.get("/executions", headers=headers).status_code == 200


# The rules of when a key is needed


def test_on_loopback_everything_is_open_until_a_key_is_made(gateway: Gateway) -> None:
    assert gateway.http.get("/executions").status_code == 200
    make_key(gateway.place, "read")
    _wait_until(lambda: gateway.http.get("/executions").status_code == 401)


def test_a_gateway_whose_keys_were_all_revoked_stays_closed(place: Place) -> None:
    make_key(place, "read")
    with running_gateway(place) as gateway:
        gateway.sql("UPDATE api_keys SET revoked_on = 1")
        time.sleep(1)
        assert gateway.http.get("/executions").status_code == 401


def test_on_another_address_a_key_is_needed_even_if_none_was_made(place: Place) -> None:
    with running_gateway(place, host="0.0.0.0") as gateway:
        assert gateway.http.get("/executions").status_code == 401


def test_with_auth_off_everything_is_open_even_if_there_are_keys(place: Place) -> None:
    make_key(place, "read")
    with running_gateway(place, auth="off", host="0.0.0.0") as gateway:
        assert gateway.http.get("/executions").status_code == 200


def test_a_revoked_key_opens_nothing_within_a_second_in_every_process(place: Place) -> None:
    shown = bearer(make_key(place, "read"))
    with running_gateway(place) as one, running_gateway(place) as other:
        assert one.http.get("/executions", headers=shown).status_code == 200
        assert other.http.get("/executions", headers=shown).status_code == 200
        one.sql("UPDATE api_keys SET revoked_on = 1")
        time.sleep(1)
        assert one.http.get("/executions", headers=shown).status_code == 401
        assert other.http.get("/executions", headers=shown).status_code == 401


def test_a_key_works_as_soon_as_it_was_made_in_every_process(place: Place) -> None:
    with (
        running_gateway(place, auth="keys") as one,
        running_gateway(place, auth="keys") as other,
    ):
        for _ in range(5):
            shown = bearer(make_key(place, "read"))
            for gateway in (one, other, one):
                assert gateway.http.get("/executions", headers=shown).status_code == 200
                assert gateway.http.delete("/executions/a", headers=shown).status_code == 403


def test_keys_that_are_none_do_not_keep_out_a_new_one(locked: Gateway) -> None:
    for number in range(5):
        shown = bearer(f"egw_{number}")
        assert locked.http.get("/executions", headers=shown).status_code == 401
    made = make_key(locked.place, "read")
    assert locked.http.get("/executions", headers=bearer(made)).status_code == 200
    measured = locked.http.get("/metrics").text
    assert 'gateway_store_entries{store="unknown_keys"} 5.0' in measured


def test_a_key_that_was_made_to_be_refused_is_refused_at_once(locked: Gateway) -> None:
    for make, message in ((_expired, "has expired"), (_revoked, "was revoked")):
        answer = locked.http.get("/executions", headers=bearer(make(locked)))
        assert answer.status_code == 401
        assert message in answer.json()["message"]


def test_when_the_keys_cannot_be_read_nothing_is_open(place: Place) -> None:
    shown = bearer(make_key(place, "read"))
    with running_gateway(place) as gateway:
        gateway.sql("DROP TABLE api_keys")
        time.sleep(1)
        answer = gateway.http.get("/executions", headers=shown)
        assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


# What is stored


def test_only_a_hash_of_a_key_is_stored(place: Place, gateway: Gateway) -> None:
    key = make_key(place, "read")
    stored = repr(gateway.sql("SELECT * FROM api_keys"))
    assert key not in stored
    assert key.removeprefix("egw_") not in stored


def test_the_last_use_of_a_key_is_noted(place: Place) -> None:
    shown = bearer(make_key(place, "read"))
    before = now_ms()
    with running_gateway(place) as gateway:
        gateway.http.get("/executions", headers=shown)
    [(used,)] = gateway.sql("SELECT last_used_on FROM api_keys")
    assert before <= used <= now_ms()


def test_two_keys_never_resemble_each_other(place: Place) -> None:
    keys = {make_key(place, "read") for _ in range(5)}
    assert len(keys) == 5
    assert all(len(key) >= 40 for key in keys)


def test_revoking_a_key_that_is_not_there_says_so(place: Place) -> None:
    async def revoke() -> bool:
        database = open_database(place.url)
        try:
            return await Keys(database).revoke(7)
        finally:
            await database.close()

    assert anyio.run(revoke) is False


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
