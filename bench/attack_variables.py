"""Requests whose variables, or the JSON around them, use up a limit."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from attack_requests import Request, asks, raw

LIST = (
    "query ($f: ExecutionFilter, $o: [ExecutionOrder!])"
    " { executions(filter: $f, orderBy: $o, first: 1) { totalCount } }"
)


def variables(guids: Sequence[str]) -> Iterator[Request]:
    yield from _filters(guids)
    yield from _texts_and_names()
    yield from _bodies()


def _filters(guids: Sequence[str]) -> Iterator[Request]:
    yield asks("variables: or of empty filters, 1 MB", LIST, {"f": {"or": [{}] * 349_000}})
    yield asks("variables: or of empty filters, 10,000", LIST, {"f": {"or": [{}] * 10_000}})
    yield asks("variables: or of empty filters, 1,000", LIST, {"f": {"or": [{}] * 1000}})
    one = {"guid": {"eq": "x"}}
    yield asks("variables: or of 500 conditions", LIST, {"f": {"or": [one] * 500}})
    yield asks("variables: or of 30,000 conditions", LIST, {"f": {"or": [one] * 30_000}})
    yield asks("variables: 130,000 states", LIST, {"f": {"state": {"in": ["ERROR"] * 130_000}}})
    yield asks("variables: 10,000 guids", LIST, {"f": {"guid": {"in": list(guids[:10_000])}}})
    long = [f"{n:090}" for n in range(10_000)]
    yield asks("variables: 10,000 long guids", LIST, {"f": {"guid": {"in": long}}})
    yield asks("variables: 10,000 numbers as ids", LIST, {"f": {"guid": {"in": [7] * 10_000}}})
    nulls = ["\0x"] * 10_000
    yield asks("variables: 10,000 null characters", LIST, {"f": {"guid": {"in": nulls}}})
    yield asks("variables: many null characters", LIST, {"f": {"guid": {"in": ["\0"] * 110_000}}})
    names = [f"n{n}" for n in range(10_000)]
    yield asks("variables: 10,000 names", LIST, {"f": {"agentflowName": {"in": names}}})
    parts = {"or": [{"agentflowName": {"contains": str(n)}} for n in range(500)]}
    yield asks("variables: 500 parts of names", LIST, {"f": parts})
    yield asks("variables: one wrong id in 10,000", LIST, {"f": {"guid": {"in": [*long[1:], {}]}}})
    yield asks("variables: 10,000 orders", LIST, {"o": [{"field": "STATE"}] * 10_000})
    fifty = "query (" + " ".join(f"$v{n}: [ID!]" for n in range(15)) + ") { __typename "
    fifty += " ".join(
        f"a{n}: executions(first: 0, filter: {{guid: {{in: $v{n}}}}}) {{ totalCount }}"
        for n in range(15)
    )
    yield asks(
        "variables: 15 of 600 guids",
        fifty + "}",
        {f"v{n}": list(guids[:600]) for n in range(15)},
    )
    deep: Any = {}
    for _ in range(200):
        deep = {"not": deep}
    yield asks("variables: nested 200 deep", LIST, {"f": deep})
    text = json.dumps(LIST + " #NUMBER")
    nested = '{"not": ' * 400 + "{}" + "}" * 400
    yield raw("variables: nested 400 deep", f'{{"query": {text}, "variables": {{"f": {nested}}}}}')


def _texts_and_names() -> Iterator[Request]:
    unused = {f"unused{n}": n for n in range(60_000)}
    yield asks("variables: 60,000 unused", LIST, unused)
    yield asks("variables: one unknown entry of 900 kB", LIST, {"f": {"x" * 900_000: 1}})
    yield asks("variables: 60,000 unknown entries", LIST, {"f": unused})
    yield asks("variables: 500 unknown entries", LIST, {"f": dict(list(unused.items())[:500])})
    yield asks("variables: a text of 1 MB", LIST, {"f": {"guid": {"eq": "x" * 1_000_000}}})
    big = {"f": {"agentflowName": {"contains": "\u00df" * 160_000}}}
    yield asks("variables: a text of 1 MB that folds", LIST, big)
    wrong = {"f": {"createdOn": {"gt": "1" * 1_000_000}}}
    yield asks("variables: an instant of 1 MB", LIST, wrong)
    yield asks("variables: a state of 1 MB", LIST, {"f": {"state": {"eq": "E" * 1_000_000}}})
    yield asks(
        "variables: a cursor of 1 MB",
        "query ($a: String) { executions(after: $a) { totalCount } }",
        {"a": "A" * 1_000_000},
    )
    digits = "9" * 4000
    yield raw(
        "variables: an integer of 4,000 digits",
        f'{{"query": "query ($n: Int) {{ executions(first: $n) {{ totalCount }} }} #NUMBER",'
        f' "variables": {{"n": {digits}}}}}',
    )
    yield asks("variables: an object for a list", LIST, {"f": {"and": {"and": {"and": {}}}}})


def _bodies() -> Iterator[Request]:
    yield raw("body: nested lists", '{"query": "{ __typename }", "variables": ' + "[" * 500_000)
    yield raw("body: 500 kB of members", json.dumps({f"m{n}": 1 for n in range(60_000)}))
    yield raw("body: a list of 300,000", "[" + "1," * 300_000 + "1]")
    yield raw("body: 10 operations", json.dumps([{"query": "{ __typename }"}] * 10))
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": ["x" * 900_000]}}
    yield raw("body: a wrong hash of 900 kB", json.dumps({"extensions": extensions}))
    yield raw("body: a query of another type", json.dumps({"query": list(range(150_000))}))
    yield raw(
        "body: an operation name of 900 kB",
        json.dumps({"query": "{ __typename }", "operationName": "x" * 900_000}),
    )
