"""Every root field and every route, asked with a key that is bound to a workspace.

Nothing tells its client whether there is anything outside of the workspace: all answers are the
same, byte for byte, as from a gateway over a database that has the workspace's executions alone.
Nothing outside is changed either.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute

from app import create_app
from db.reading.cursors import encode_cursor
from db.reading.paging import NEWEST_FIRST, position_of
from resolvers.roots import ROOTS
from schema.inputs import ExecutionOrderField
from schema.node import global_id
from server.operation.settings import Settings
from tests.places import Place
from tests.workspaces.selections import SCHEMA, asking
from tests.workspaces.worlds import (
    OTHER,
    OTHER_ROWS,
    OTHERS,
    OWN,
    OWN_ROWS,
    Worlds,
    running_worlds,
)

_LIMITS = {"max_cost": 10**9, "max_batch": 10, "max_event_cost": 10**9}
_CURSORS = [encode_cursor(position_of(row, NEWEST_FIRST), NEWEST_FIRST) for row in OTHER_ROWS[2:5]]
_GUIDS = json.dumps(["alpha-00", "bravo-00", "nobody-00", "alpha-02", "nowhere", "bravo-02"])
_IDS = json.dumps(
    [
        global_id(type_, key)
        for type_, key in (
            ("Execution", "alpha-01"),
            ("Execution", "bravo-01"),
            ("Execution", "nobody-01"),
            ("Agentflow", "flow-alpha"),
            ("Agentflow", "flow-shared"),
            ("Agentflow", "flow-bravo"),
            ("Agentflow", "flow-nobody"),
            ("Agentflow", "flow-idle"),
            ("Session", "session-alpha"),
            ("Session", "session-shared"),
            ("Session", "session-bravo"),
            ("Session", "session-nobody"),
        )
    ]
)
_FILTERS = [
    "{}",
    "{state: {eq: FINISHED}}",
    "{state: {in: [ERROR, STOPPED]}}",
    '{agentflowId: {eq: "flow-shared"}}',
    '{agentflowId: {eq: "flow-bravo"}}',
    '{agentflowId: {eq: "flow-shared"}, state: {eq: ERROR}}',
    '{agentflowName: {contains: "flow"}}',
    '{sessionId: {eq: "session-shared"}}',
    "{sessionId: {isNull: true}}",
    '{guid: {in: ["alpha-03", "bravo-03", "nobody-03"]}}',
    f'{{workspaceId: {{eq: "{OTHER}"}}}}',
    f'{{workspaceId: {{in: ["{OWN}", "{OTHER}"]}}}}',
    "{workspaceId: {isNull: true}}",
    f'{{or: [{{workspaceId: {{eq: "{OTHER}"}}}}, {{state: {{eq: FINISHED}}}}]}}',
    f'{{not: {{workspaceId: {{eq: "{OWN}"}}}}}}',
    '{createdOn: {gte: "2023-11-14T23:00:00Z", lt: "2023-11-15T02:30:00Z"}}',
    '{updatedOn: {gte: "2023-11-14T23:00:00Z"}}',
    "{durationMs: {gt: 1000}}",
    '{error: {contains: "failed"}}',
]
_ORDERS = [field.name for field in ExecutionOrderField]

_QUERIES: Mapping[str, list[str]] = {
    "execution": [f'guid: "{name}-04"' for name in ("alpha", "bravo", "nobody")],
    "executions": [
        "",
        *(f"first: 3, filter: {filter_}" for filter_ in _FILTERS),
        *(f"last: 4, orderBy: {{field: {field}}}" for field in _ORDERS),
        *(f'first: 2, after: "{cursor}"' for cursor in _CURSORS),
        *(f'last: 2, before: "{cursor}"' for cursor in _CURSORS),
    ],
    "executionPage": [
        *(f"limit: 4, page: {page}" for page in (1, 2, 4)),
        *(f"limit: 4, filter: {filter_}" for filter_ in _FILTERS),
        "limit: 4, orderBy: {field: STATE}",
    ],
    "agentflow": [
        f'agentflowId: "flow-{name}"' for name in ("alpha", "shared", "bravo", "nobody", "idle")
    ],
    "agentflows": [
        "",
        'name: {contains: "flow"}, first: 2',
        'name: {eq: "Bravo\'s flow"}',
        'first: 2, after: "%s"',
    ],
    "session": [f'sessionId: "session-{name}"' for name in ("alpha", "shared", "bravo", "nobody")],
    "executionStats": [f"filter: {filter_}" for filter_ in _FILTERS],
    "node": [f"id: {json.dumps(id_)}" for id_ in json.loads(_IDS)],
    "nodes": [f"ids: {_IDS}"],
    # What it says is another text each time.
    "eventCursor": [],
    "viewer": [""],
}
_UPDATE = "input: {state: STOPPED}"
_EXPECTING = "input: {state: STOPPED, expectedState: FINISHED}"
_MUTATIONS: Mapping[str, list[str]] = {
    "updateExecution": [
        *(f'guid: "{name}-04", {_UPDATE}' for name in ("alpha", "bravo", "nobody")),
        *(f'guid: "{name}-04", {_EXPECTING}' for name in ("alpha", "bravo", "nobody")),
    ],
    "updateExecutions": [f"guids: {_GUIDS}, {given}" for given in (_UPDATE, _EXPECTING)],
    "deleteExecution": [f'guid: "{name}-04"' for name in ("alpha", "bravo", "nobody")],
    "deleteExecutions": [f"guids: {_GUIDS}"],
    "updateExecutionsMatching": [
        *(
            f"filter: {filter_}, dryRun: {dry}, {_UPDATE}"
            for filter_ in _FILTERS
            for dry in ("true", "false")
        ),
        f"filter: {_FILTERS[2]}, limit: 1, {_EXPECTING}",
    ],
    "deleteExecutionsMatching": [
        f"filter: {filter_}, dryRun: {dry}, limit: 5"
        for filter_ in _FILTERS
        for dry in ("true", "false")
    ],
}
_SUBSCRIPTIONS: Mapping[str, list[str]] = {
    # In test_events.
    "executionEvents": [],
}
_EXECUTIONS = "/executions"
_ONE = "/executions/{guid:guid}"
_LISTS = [
    "",
    "?page=2&limit=4",
    "?limit=4&state=ERROR",
    "?limit=4&agentflowId=flow-shared",
    "?agentflowId=flow-bravo",
    "?agentflowName=flow&limit=3",
    "?sessionId=session-shared",
    "?guid=bravo-03",
    f"?limit=5&workspaceId={OTHER}",
    "?startDate=2023-11-14T23:00:00Z&endDate=2023-11-15T02:30:00Z",
]
_FORMATS = ["application/json", "text/csv", "application/x-ndjson"]
_NAMES = ("alpha-04", "bravo-04", "nobody-04", "nowhere")
_GRAPHQL = asking("executions", depth=1)
Sent = dict[str, Any]


def _get(url: str, **headers: str) -> Sent:
    return {"method": "GET", "url": url, "headers": headers}


def _graphql(query: str) -> Sent:
    return {"method": "POST", "url": "/graphql", "json": {"query": query}}


def _of_graphql(path: str) -> dict[tuple[str, str], list[Sent]]:
    """GraphQL over HTTP, as a batch, and as events."""
    query = {"query": _GRAPHQL}
    events = {"accept": "text/event-stream"}
    return {
        ("GET", path): [{"method": "GET", "url": path, "params": query}],
        ("HEAD", path): [{"method": "HEAD", "url": path, "params": query}],
        ("POST", path): [
            {"method": "POST", "url": path, "json": query},
            {"method": "POST", "url": path, "json": [query, query]},
            {"method": "POST", "url": path, "json": query, "headers": events},
        ],
        # In test_events.
        ("WEBSOCKET", path): [],
    }


def _of_executions(path: str) -> dict[tuple[str, str], list[Sent]]:
    """The list of executions."""
    return {
        ("GET", path): [
            _get(f"{path}{query}", accept=accept) for query in _LISTS for accept in _FORMATS
        ],
        ("HEAD", path): [{"method": "HEAD", "url": f"{path}{query}"} for query in _LISTS],
        ("DELETE", path): [
            {"method": "DELETE", "url": path, "json": {"executionIds": json.loads(_GUIDS)}}
        ],
    }


_ROUTES: Mapping[tuple[str, str], list[Sent]] = {
    **_of_graphql("/graphql"),
    **_of_graphql("/graphql/"),
    **_of_executions(_EXECUTIONS),
    **_of_executions(f"{_EXECUTIONS}/"),
    ("GET", _ONE): [
        _get(f"{_EXECUTIONS}/{name}{query}") for name in _NAMES for query in ("", "?include=data")
    ],
    ("HEAD", _ONE): [{"method": "HEAD", "url": f"{_EXECUTIONS}/{name}"} for name in _NAMES],
    ("PUT", _ONE): [
        {"method": "PUT", "url": f"{_EXECUTIONS}/{name}", "json": body}
        for name in _NAMES
        for body in ({"state": "STOPPED"}, {})
    ],
    ("DELETE", _ONE): [{"method": "DELETE", "url": f"{_EXECUTIONS}/{name}"} for name in _NAMES],
    ("GET", "/"): [_get("/")],
    ("HEAD", "/"): [{"method": "HEAD", "url": "/"}],
    ("GET", "/favicon.{ending}"): [_get("/favicon.svg")],
    ("HEAD", "/favicon.{ending}"): [{"method": "HEAD", "url": "/favicon.svg"}],
    ("GET", "/assets/{name}"): [_get("/assets/index.js")],
    ("HEAD", "/assets/{name}"): [{"method": "HEAD", "url": "/assets/index.js"}],
    ("GET", "/openapi.json"): [_get("/openapi.json")],
    ("HEAD", "/openapi.json"): [{"method": "HEAD", "url": "/openapi.json"}],
    ("GET", "/healthz"): [_get("/healthz")],
    ("HEAD", "/healthz"): [{"method": "HEAD", "url": "/healthz"}],
    ("GET", "/readyz"): [_get("/readyz")],
    ("HEAD", "/readyz"): [{"method": "HEAD", "url": "/readyz"}],
    # It needs no key, and is for operators: it counts what the gateway does for everybody.
    ("GET", "/metrics"): [],
    ("HEAD", "/metrics"): [],
}


@pytest.fixture(scope="module")
def running(new_place: Callable[[], Place]) -> Iterator[Worlds]:
    with running_worlds(new_place, **_LIMITS) as worlds:
        yield worlds


@pytest.fixture
def worlds(running: Worlds) -> Iterator[Worlds]:
    yield running
    if running.may_be_changed:
        running.fill()


_OWN_AT_FIRST, _OTHERS_AT_FIRST = (
    [
        (*row[:3], row.session_id, row.state, row.created_on, row.workspace_id)
        for row in sorted(rows)
    ]
    for rows in (OWN_ROWS, OTHER_ROWS)
)


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """What an answer tells, but for what tells one answer from another."""
    own = ("date", "x-request-id")
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, {**headers, "link": _path(headers.get("link", ""))}, answer.content


def _path(link: str) -> str:
    return "".join(part.partition("/executions")[2] for part in link.split("<"))


def _compare(worlds: Worlds, sent: Sent) -> httpx.Response:
    """Send a request to both worlds; the answers must be alike, and nothing outside changes."""
    worlds.may_be_changed = True
    beside, alone = (world.send(**sent) for world in worlds)
    assert _told(beside) == _told(alone)
    assert beside.status_code < 500
    rows, own = worlds.beside.rows(), worlds.alone.rows()
    assert [row for row in rows if row[-1] != OWN] == _OTHERS_AT_FIRST
    assert [row for row in rows if row[-1] == OWN] == own
    worlds.may_be_changed = own != _OWN_AT_FIRST
    return beside


def _cases(kind: str, named: Mapping[str, list[str]]) -> list[Any]:
    return [
        pytest.param(asking(root, arguments, kind=kind), id=f"{root}({arguments[:60]})")
        for root, cases in named.items()
        for arguments in cases
    ]


def test_every_root_field_has_its_cases() -> None:
    described = {kind.value: set(roots) for kind, roots in ROOTS.items()}
    assert described == {
        "query": set(_QUERIES),
        "mutation": set(_MUTATIONS),
        "subscription": set(_SUBSCRIPTIONS),
    }


@pytest.mark.parametrize(
    ("type_", "cases"),
    [(SCHEMA.query_type, _QUERIES), (SCHEMA.mutation_type, _MUTATIONS)],
    ids=["query", "mutation"],
)
def test_every_argument_of_a_root_field_has_a_case(
    type_: Any, cases: Mapping[str, list[str]]
) -> None:
    for root, given in cases.items():
        for argument in type_.fields[root].args:
            assert any(f"{argument}:" in each for each in given), (root, argument)


def test_every_route_has_its_cases(running: Worlds) -> None:
    settings = Settings(_env_file=None, database_url=running.alone.gateway.place.url)
    found = set()
    for route in create_app(settings).routes:
        if isinstance(route, WebSocketRoute):
            found.add(("WEBSOCKET", route.path))
            continue
        assert isinstance(route, Route)
        path = route.path.replace("{guid:guid}", "alpha-04")
        allowed = running.alone.send(method="OPTIONS", url=path).headers.get("allow", "")
        methods = route.methods or set(allowed.split(", "))
        assert methods, route
        found |= {(method, route.path) for method in methods - {"OPTIONS"}}
    assert found == set(_ROUTES)


@pytest.mark.parametrize("query", _cases("query", _QUERIES))
def test_a_query_tells_nothing_of_what_is_outside(worlds: Worlds, query: str) -> None:
    if "%s" in query:
        all_flows = worlds.beside.post(
            "{ agentflows { edges { cursor } } }", key=worlds.beside.all
        ).json()
        query %= all_flows["data"]["agentflows"]["edges"][2]["cursor"]
    answer = _compare(worlds, _graphql(query))
    assert "errors" not in answer.json()
    # Whoever says a name may hear it again.
    assert not any(name in answer.text.lower() for name in OTHERS)


def test_neither_does_an_operation_that_no_plan_answers(worlds: Worlds) -> None:
    """Introspection is answered by graphql-core, and with it the whole operation."""
    described = "{ __schema { queryType { name } }"
    answer = _compare(worlds, _graphql(asking("executions", depth=2).replace("{", described, 1)))
    assert answer.json()["data"]["executions"]["totalCount"] == len(OWN_ROWS)
    assert not any(name in answer.text.lower() for name in OTHERS)


@pytest.mark.parametrize("query", _cases("mutation", _MUTATIONS))
def test_a_change_neither_touches_nor_tells_of_what_is_outside(worlds: Worlds, query: str) -> None:
    assert "errors" not in _compare(worlds, _graphql(query)).json() or "filter: {}" in query


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(each, id=f"{method} {path} {place}")
        for (method, path), cases in _ROUTES.items()
        for place, each in enumerate(cases)
    ],
)
def test_a_route_neither_touches_nor_tells_of_what_is_outside(worlds: Worlds, sent: Sent) -> None:
    _compare(worlds, sent)


@pytest.mark.parametrize(
    ("kind", "root"),
    [
        *(("query", root) for root, cases in _QUERIES.items() if cases),
        *(("mutation", root) for root in _MUTATIONS),
    ],
)
def test_a_key_that_is_bound_to_nothing_is_told_more(worlds: Worlds, kind: str, root: str) -> None:
    """Otherwise the cases above would show nothing."""
    cases = (_QUERIES if kind == "query" else _MUTATIONS)[root]
    queries = (asking(root, arguments, kind=kind, depth=2) for arguments in cases)
    assert any(_is_told_more(worlds, query) for query in queries)


def _is_told_more(worlds: Worlds, query: str) -> bool:
    told = []
    for key in (worlds.beside.own, worlds.beside.all):
        told.append(worlds.beside.post(query, key=key).json())
        if query.startswith("mutation"):
            worlds.fill()
    own, all_ = told
    return bool(own != all_)
