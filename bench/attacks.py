"""Requests that use up each limit, one for each kind of thing that the limit counts."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from attack_documents import documents
from attack_requests import FIELDS, Request, as_json, asks, document
from attack_variables import variables


def attacks(guids: Sequence[str]) -> Iterator[Request]:
    """Return all attacks, over the executions of these guids."""
    yield from variables(guids)
    yield from documents()
    yield from _answers(guids)
    yield from _rest(guids)


def _answers(guids: Sequence[str]) -> Iterator[Request]:
    ids = list(guids[:10_000])
    for fields in ("guid", "guid state", FIELDS):
        query = (
            "mutation ($ids: [ID!]!) { updateExecutions(guids: $ids, input: {})"
            f" {{ affected executions {{ {fields} }} notFound }} }}"
        )
        yield asks(f"answer: 10,000 updated, {len(fields.split())} fields", query, {"ids": ids})
    missing = [f"missing{n}" for n in range(10_000)]
    deletion = "mutation ($ids: [ID!]!) { deleteExecutions(guids: $ids) { affected notFound } }"
    yield asks("answer: 10,000 not found", deletion, {"ids": missing})
    yield document(
        "answer: 1,000 rows of all fields",
        f"{{ executions(first: 1000) {{ nodes {{ {FIELDS} }} }} }}",
    )
    schema = "__schema { queryType { name } }"
    page = f"executions(first: 1000) {{ nodes {{ {FIELDS} }} }}"
    yield document("answer: 1,000 rows by the executor", f"{{ {page} {schema} }}")
    two = " ".join(f"a{n}: executions(first: 1000) {{ nodes {{ {FIELDS} }} }}" for n in range(2))
    yield document("answer: 2,000 rows by the executor", f"{{ {two} {schema} }}")
    yield document("answer: 2,000 rows", f"{{ {two} }}")
    for name, size in (("first: $n", 1000.0), ("first: $z, last: $n", 1000)):
        query = (
            "query ($n: Int, $z: Int) { "
            + " ".join(f"a{n}: executions({name}) {{ nodes {{ {FIELDS} }} }}" for n in range(19))
            + "}"
        )
        yield asks(f"answer: 19 pages of {name}", query, {"n": size, "z": None})


def _rest(guids: Sequence[str]) -> Iterator[Request]:
    def get(name: str, query: str, **headers: str) -> Request:
        return Request(name, lambda _: b"", "GET", f"/executions?{query}&n=1", headers)

    def delete(name: str, ids: Any) -> Request:
        return Request(name, lambda _: as_json({"executionIds": ids}), "DELETE", "/executions")

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
        lambda _: as_json({f"a{n}": n for n in range(60_000)}),
        "PUT",
        f"/executions/{guids[0]}",
    )
    yield Request(
        "rest: an update's state of 1 MB",
        lambda _: as_json({"state": ["x"] * 200_000}),
        "PUT",
        f"/executions/{guids[0]}",
    )
    yield Request(
        "rest: a guid of 60 kB", lambda _: b"", "GET", "/executions/" + "%41" * 20_000, {}
    )
