"""Requests that use up each limit, one for each kind of thing that the limit bounds."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from graphql import get_introspection_query

BODY = 1_048_576
FIELDS = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"
LIST = (
    "query ($f: ExecutionFilter, $o: [ExecutionOrder!])"
    " { executions(filter: $f, orderBy: $o, first: 1) { totalCount } }"
)


@dataclass(frozen=True)
class Request:
    """A request; ``body`` makes one that was never sent before out of a number."""

    name: str
    body: Callable[[int], bytes]
    method: str = "POST"
    path: str = "/graphql"
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def attacks(guids: Sequence[str]) -> Iterator[Request]:
    """All of them, over executions of these guids."""
    yield from _variables(guids)
    yield from _documents()
    yield from _answers(guids)
    yield from _rest(guids)


def _with(name: str, query: str, variables: Any) -> Request:
    def body(number: int) -> bytes:
        return _json({"query": f"{query} #{number}", "variables": variables})

    return Request(name, body)


def _json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _raw(name: str, text: str) -> Request:
    return Request(name, lambda number: text.replace("NUMBER", str(number)).encode())


def _document(name: str, query: str) -> Request:
    return _with(name, query, {})


def _variables(guids: Sequence[str]) -> Iterator[Request]:
    yield from _filters(guids)
    yield from _texts_and_names()
    yield from _bodies()


def _filters(guids: Sequence[str]) -> Iterator[Request]:
    yield _with("variables: or of empty filters, 1 MB", LIST, {"f": {"or": [{}] * 349_000}})
    yield _with("variables: or of empty filters, 10,000", LIST, {"f": {"or": [{}] * 10_000}})
    yield _with("variables: or of empty filters, 1,000", LIST, {"f": {"or": [{}] * 1000}})
    one = {"guid": {"eq": "x"}}
    yield _with("variables: or of 500 conditions", LIST, {"f": {"or": [one] * 500}})
    yield _with("variables: or of 30,000 conditions", LIST, {"f": {"or": [one] * 30_000}})
    yield _with("variables: 130,000 states", LIST, {"f": {"state": {"in": ["ERROR"] * 130_000}}})
    yield _with("variables: 10,000 guids", LIST, {"f": {"guid": {"in": list(guids[:10_000])}}})
    long = [f"{n:090}" for n in range(10_000)]
    yield _with("variables: 10,000 long guids", LIST, {"f": {"guid": {"in": long}}})
    yield _with("variables: 10,000 numbers as ids", LIST, {"f": {"guid": {"in": [7] * 10_000}}})
    nulls = ["\0x"] * 10_000
    yield _with("variables: 10,000 null characters", LIST, {"f": {"guid": {"in": nulls}}})
    yield _with("variables: many null characters", LIST, {"f": {"guid": {"in": ["\0"] * 110_000}}})
    names = [f"n{n}" for n in range(10_000)]
    yield _with("variables: 10,000 names", LIST, {"f": {"agentflowName": {"in": names}}})
    parts = {"or": [{"agentflowName": {"contains": str(n)}} for n in range(500)]}
    yield _with("variables: 500 parts of names", LIST, {"f": parts})
    yield _with("variables: one wrong id in 10,000", LIST, {"f": {"guid": {"in": [*long[1:], {}]}}})
    yield _with("variables: 10,000 orders", LIST, {"o": [{"field": "STATE"}] * 10_000})
    fifty = "query (" + " ".join(f"$v{n}: [ID!]" for n in range(15)) + ") { __typename "
    fifty += " ".join(
        f"a{n}: executions(first: 0, filter: {{guid: {{in: $v{n}}}}}) {{ totalCount }}"
        for n in range(15)
    )
    yield _with(
        "variables: 15 of 600 guids",
        fifty + "}",
        {f"v{n}": list(guids[:600]) for n in range(15)},
    )
    deep: Any = {}
    for _ in range(200):
        deep = {"not": deep}
    yield _with("variables: nested 200 deep", LIST, {"f": deep})
    text = json.dumps(LIST + " #NUMBER")
    nested = '{"not": ' * 400 + "{}" + "}" * 400
    yield _raw("variables: nested 400 deep", f'{{"query": {text}, "variables": {{"f": {nested}}}}}')


def _texts_and_names() -> Iterator[Request]:
    unused = {f"unused{n}": n for n in range(60_000)}
    yield _with("variables: 60,000 unused", LIST, unused)
    yield _with("variables: one unknown entry of 900 kB", LIST, {"f": {"x" * 900_000: 1}})
    yield _with("variables: 60,000 unknown entries", LIST, {"f": unused})
    yield _with("variables: 500 unknown entries", LIST, {"f": dict(list(unused.items())[:500])})
    yield _with("variables: a text of 1 MB", LIST, {"f": {"guid": {"eq": "x" * 1_000_000}}})
    big = {"f": {"agentflowName": {"contains": "\u00df" * 160_000}}}
    yield _with("variables: a text of 1 MB that folds", LIST, big)
    wrong = {"f": {"createdOn": {"gt": "1" * 1_000_000}}}
    yield _with("variables: an instant of 1 MB", LIST, wrong)
    yield _with("variables: a state of 1 MB", LIST, {"f": {"state": {"eq": "E" * 1_000_000}}})
    yield _with(
        "variables: a cursor of 1 MB",
        "query ($a: String) { executions(after: $a) { totalCount } }",
        {"a": "A" * 1_000_000},
    )
    digits = "9" * 4000
    yield _raw(
        "variables: an integer of 4,000 digits",
        f'{{"query": "query ($n: Int) {{ executions(first: $n) {{ totalCount }} }} #NUMBER",'
        f' "variables": {{"n": {digits}}}}}',
    )
    yield _with("variables: an object for a list", LIST, {"f": {"and": {"and": {"and": {}}}}})


def _bodies() -> Iterator[Request]:
    yield _raw("body: nested lists", '{"query": "{ __typename }", "variables": ' + "[" * 500_000)
    yield _raw("body: 500 kB of members", json.dumps({f"m{n}": 1 for n in range(60_000)}))
    yield _raw("body: a list of 300,000", "[" + "1," * 300_000 + "1]")
    yield _raw("body: 10 operations", json.dumps([{"query": "{ __typename }"}] * 10))
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": ["x" * 900_000]}}
    yield _raw("body: a wrong hash of 900 kB", json.dumps({"extensions": extensions}))
    yield _raw("body: a query of another type", json.dumps({"query": list(range(150_000))}))
    yield _raw(
        "body: an operation name of 900 kB",
        json.dumps({"query": "{ __typename }", "operationName": "x" * 900_000}),
    )


def _documents() -> Iterator[Request]:
    yield _document("document: 1 MB of comments", "{ __typename }" + "#\n" * 330_000)
    yield _document("document: 1 MB of spaces", "{ __typename }" + " " * 1_000_000)
    yield _document("document: 1 MB of commas", "{ __typename }" + "," * 1_000_000)
    yield _document("document: 1 MB of line breaks", "{ __typename }" + "\r" * 500_000)
    yield _document(
        "document: a text of 1 MB", f'{{ execution(guid: "{"x" * 1_000_000}") {{ id }} }}'
    )
    escaped = "\\u0041" * 140_000
    yield _document("document: a text of escapes", f'{{ execution(guid: "{escaped}") {{ id }} }}')
    yield _document(
        "document: a block text of 1 MB",
        '{ execution(guid: """' + "x\n" * 330_000 + '""") { id } }',
    )
    yield _document("document: a name of 1 MB", "{ " + "x" * 1_000_000 + " }")
    yield _document(
        "document: an argument of 1 MB", "{ executions(" + "x" * 1_000_000 + ": 1) { totalCount } }"
    )
    yield _document(
        "document: 10 names of 90 kB",
        "{ " + " ".join(chr(97 + n) * 90_000 for n in range(10)) + " }",
    )
    yield _document(
        "document: a number of 1 MB", "{ executions(first: " + "9" * 1_000_000 + ") { id } }"
    )
    yield _document("document: no token", "{ __typename } " + "\u00e9" * 300_000)
    yield _document(
        "document: 19 lists of all fields",
        "{"
        + " ".join(
            f"a{n}: executions(first: 1) {{ nodes {{ {FIELDS} }} edges {{ node {{ {FIELDS} }} }} }}"
            for n in range(19)
        )
        + "}",
    )
    yield _document(
        "document: 1 field, 10 times at each level",
        "{"
        + " ".join(
            "executions(first: 1) { nodes { " + "guid " * 10 + "} " * 1 + "}" for _ in range(10)
        )
        + "}",
    )
    inline = "... on Execution { guid state } "
    yield _document(
        "document: 200 inline fragments",
        "{ executions(first: 1) { nodes { " + inline * 10 + "} } }",
    )
    yield _document(
        "document: 280 inline fragments of different fields",
        "{ executions(first: 1) { nodes { "
        + "... { ... on Execution { ... { id } } } " * 9
        + "} } }",
    )
    many = " ".join(f"fragment F{n} on Execution {{ guid state }}" for n in range(240))
    spreads = " ".join(f"...F{n}" for n in range(9))
    yield _document(
        "document: 240 fragments, most unused",
        f"{{ executions {{ nodes {{ {spreads} }} }} }} {many}",
    )
    many = " ".join(f"fragment F{n} on Execution {{ id }}" for n in range(200))
    spreads = " ".join(f"...F{n}" for n in range(200))
    yield _document(
        "document: 200 fragments, all spread",
        f"{{ executions {{ nodes {{ {spreads} }} }} }} {many}",
    )
    next_ones = [" ".join(f"...F{m}" for m in range(n + 1, min(n + 12, 100))) for n in range(100)]
    pairs = " ".join(
        f"fragment F{n} on Execution {{ guid {spread} }}" for n, spread in enumerate(next_ones)
    )
    yield _document(
        "document: 100 fragments that spread each other",
        f"{{ executions {{ nodes {{ ...F0 }} }} }} {pairs}",
    )
    half = " ".join(
        f"fragment F{n} on Execution {{ a: guid b: state ... on Execution {{ c: id }} }}"
        for n in range(110)
    )
    yield _document(
        "document: 110 fragments that overlap",
        f"{{ executions {{ nodes {{ {' '.join(f'...F{n}' for n in range(110))} }} }} }} {half}",
    )
    yield _document(
        "document: 390 operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(390))
    )
    yield _document(
        "document: 97 operations",
        " ".join(f"query Q{n} {{ executions {{ nodes {{ guid }} }} }}" for n in range(97)),
    )
    yield _document(
        "document: 480 unknown arguments",
        "{ executions(" + " ".join(f"x{n}: 1" for n in range(480)) + ") { totalCount } }",
    )
    yield _document(
        "document: 480 unknown entries",
        "{ executions(filter: {" + " ".join(f"x{n}: 1" for n in range(480)) + "}) { totalCount } }",
    )
    yield _document(
        "document: 15 unknown fields", "{ " + " ".join(f"executionz{n}" for n in range(15)) + " }"
    )
    yield _document(
        "document: 600 entries of a filter",
        "{ executions(filter: {or: [" + '{guid: {eq: "a"}} ' * 165 + "]}) { totalCount } }",
    )
    yield _document(
        "document: 1,900 values in a list",
        "{ executions(filter: {guid: {in: [" + "1 " * 1950 + "]}}) { totalCount } }",
    )
    yield _document(
        "document: 1,900 wrong values",
        "{ executions(filter: {state: {in: [" + "XERROR " * 1950 + "]}}) { totalCount } }",
    )
    yield _document(
        "document: 50 variables",
        "query ("
        + " ".join(f"$v{n}: ExecutionFilter = {{or: [{{}} {{}} {{}} {{}}]}}" for n in range(50))
        + ") {"
        + " ".join(
            f"a{n}: executions(filter: {{and: [$v{n} $v{n + 1}]}}) {{ totalCount }}"
            for n in range(18)
        )
        + "}",
    )
    yield _document(
        "document: 400 unknown variables",
        "{ executions(filter: {guid: {in: ["
        + " ".join(f"$v{n}" for n in range(900))
        + "]}}) { totalCount } }",
    )
    yield _document(
        "document: 1,000 type definitions", " ".join(f"type A{n} {{ a: Int }}" for n in range(280))
    )
    yield _document(
        "document: nested 55 brackets",
        "{ executions(filter: " + "{not: " * 50 + "{}" + "}" * 50 + ") { totalCount } }",
    )
    yield _document("document: introspection", get_introspection_query())


def _answers(guids: Sequence[str]) -> Iterator[Request]:
    ids = list(guids[:10_000])
    for fields in ("guid", "guid state", FIELDS):
        query = (
            "mutation ($ids: [ID!]!) { updateExecutions(guids: $ids, input: {})"
            f" {{ affected executions {{ {fields} }} notFound }} }}"
        )
        yield _with(f"answer: 10,000 updated, {len(fields.split())} fields", query, {"ids": ids})
    missing = [f"missing{n}" for n in range(10_000)]
    deletion = "mutation ($ids: [ID!]!) { deleteExecutions(guids: $ids) { affected notFound } }"
    yield _with("answer: 10,000 not found", deletion, {"ids": missing})
    yield _document(
        "answer: 1,000 rows of all fields",
        f"{{ executions(first: 1000) {{ nodes {{ {FIELDS} }} }} }}",
    )
    schema = "__schema { queryType { name } }"
    page = f"executions(first: 1000) {{ nodes {{ {FIELDS} }} }}"
    yield _document("answer: 1,000 rows by the executor", f"{{ {page} {schema} }}")
    two = " ".join(f"a{n}: executions(first: 1000) {{ nodes {{ {FIELDS} }} }}" for n in range(2))
    yield _document("answer: 2,000 rows by the executor", f"{{ {two} {schema} }}")
    yield _document("answer: 2,000 rows", f"{{ {two} }}")
    for name, size in (("first: $n", 1000.0), ("first: $z, last: $n", 1000)):
        query = (
            "query ($n: Int, $z: Int) { "
            + " ".join(f"a{n}: executions({name}) {{ nodes {{ {FIELDS} }} }}" for n in range(19))
            + "}"
        )
        yield _with(f"answer: 19 pages of {name}", query, {"n": size, "z": None})


def _rest(guids: Sequence[str]) -> Iterator[Request]:
    def get(name: str, query: str, **headers: str) -> Request:
        return Request(name, lambda _: b"", "GET", f"/executions?{query}&n=1", headers)

    def delete(name: str, ids: Any) -> Request:
        return Request(name, lambda _: _json({"executionIds": ids}), "DELETE", "/executions")

    yield delete("rest: 10,000 ids of nothing", [f"missing{n}" for n in range(10_000)])
    yield delete("rest: 200,000 ids", ["a"] * 200_000)
    yield delete("rest: one number among the ids", [*["a"] * 9_999, 1])
    yield delete("rest: ids that are one text", "x" * 1_000_000)
    yield delete("rest: ids with null characters", ["\0"] * 10_000)
    yield get("rest: 60 kB of parameters", "page=1&" + "&".join(f"a{n}=1" for n in range(8_000)))
    yield get(
        "rest: 60 kB of near parameters", "page=1&" + "&".join(f"stat{n}=" for n in range(6_000))
    )
    yield get("rest: 60 kB of states", "page=1&state=" + "ERROR," * 9_999 + "ERROR")
    yield get("rest: 60 kB of repeated states", "page=1&" + "&".join(["state=ERROR"] * 5_000))
    yield get("rest: 60 kB of escapes", "page=1&agentflowName=" + "%41" * 20_000)
    yield get("rest: 60 kB of a wrong state", "page=1&state=" + "x" * 60_000)
    yield get("rest: 60 kB of digits", "page=" + "9" * 60_000)
    yield get("rest: 60 kB of an instant", "page=1&startDate=" + "2" * 60_000)
    yield get("rest: 60 kB that fold", "page=1&agentflowName=" + quote("\u00df" * 10_000))
    yield get("rest: accept of 60 kB", "page=1", accept=",".join(["a/b;q=0.1"] * 6_000))
    accept = {"accept": ",".join(f"a/b{n};q=0.1" for n in range(4_000))}
    yield Request(
        "graphql: accept of 60 kB",
        lambda _: b'{"query": "{ __typename }"}',
        headers=accept | {"content-type": "application/json"},
    )
    kind = {"content-type": "application/json;" + ";".join(f"a{n}=b" for n in range(7_000))}
    yield Request(
        "graphql: content type of 60 kB", lambda _: b'{"query": "{ __typename }"}', headers=kind
    )
    yield Request(
        "graphql: query of 60 kB by GET",
        lambda _: b"",
        "GET",
        "/graphql?query={__typename}&" + "&".join(f"a{n}=1" for n in range(8_000)),
        {},
    )
    yield Request(
        "rest: body of an update",
        lambda _: _json({f"a{n}": n for n in range(60_000)}),
        "PUT",
        f"/executions/{guids[0]}",
    )
    yield Request(
        "rest: an update's state of 1 MB",
        lambda _: _json({"state": ["x"] * 200_000}),
        "PUT",
        f"/executions/{guids[0]}",
    )
    yield Request(
        "rest: a guid of 60 kB", lambda _: b"", "GET", "/executions/" + "%41" * 20_000, {}
    )
