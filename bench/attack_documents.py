"""Requests whose document uses up a limit."""

from collections.abc import Iterator

from attack_requests import FIELDS, Request, document
from graphql import get_introspection_query


def documents() -> Iterator[Request]:
    yield document("document: 1 MB of comments", "{ __typename }" + "#\n" * 330_000)
    yield document("document: 1 MB of spaces", "{ __typename }" + " " * 1_000_000)
    yield document("document: 1 MB of commas", "{ __typename }" + "," * 1_000_000)
    yield document("document: 1 MB of line breaks", "{ __typename }" + "\r" * 500_000)
    yield document(
        "document: a text of 1 MB", f'{{ execution(guid: "{"x" * 1_000_000}") {{ id }} }}'
    )
    escaped = "\\u0041" * 140_000
    yield document("document: a text of escapes", f'{{ execution(guid: "{escaped}") {{ id }} }}')
    yield document(
        "document: a block text of 1 MB",
        '{ execution(guid: """' + "x\n" * 330_000 + '""") { id } }',
    )
    yield document("document: a name of 1 MB", "{ " + "x" * 1_000_000 + " }")
    yield document(
        "document: an argument of 1 MB", "{ executions(" + "x" * 1_000_000 + ": 1) { totalCount } }"
    )
    yield document(
        "document: 10 names of 90 kB",
        "{ " + " ".join(chr(97 + n) * 90_000 for n in range(10)) + " }",
    )
    yield document(
        "document: a number of 1 MB", "{ executions(first: " + "9" * 1_000_000 + ") { id } }"
    )
    yield document("document: no token", "{ __typename } " + "\u00e9" * 300_000)
    yield document(
        "document: 19 lists of all fields",
        "{"
        + " ".join(
            f"a{n}: executions(first: 1) {{ nodes {{ {FIELDS} }} edges {{ node {{ {FIELDS} }} }} }}"
            for n in range(19)
        )
        + "}",
    )
    yield document(
        "document: 1 field, 10 times at each level",
        "{"
        + " ".join(
            "executions(first: 1) { nodes { " + "guid " * 10 + "} " * 1 + "}" for _ in range(10)
        )
        + "}",
    )
    inline = "... on Execution { guid state } "
    yield document(
        "document: 200 inline fragments",
        "{ executions(first: 1) { nodes { " + inline * 10 + "} } }",
    )
    yield document(
        "document: 280 inline fragments of different fields",
        "{ executions(first: 1) { nodes { "
        + "... { ... on Execution { ... { id } } } " * 9
        + "} } }",
    )
    many = " ".join(f"fragment F{n} on Execution {{ guid state }}" for n in range(240))
    spreads = " ".join(f"...F{n}" for n in range(9))
    yield document(
        "document: 240 fragments, most unused",
        f"{{ executions {{ nodes {{ {spreads} }} }} }} {many}",
    )
    many = " ".join(f"fragment F{n} on Execution {{ id }}" for n in range(200))
    spreads = " ".join(f"...F{n}" for n in range(200))
    yield document(
        "document: 200 fragments, all spread",
        f"{{ executions {{ nodes {{ {spreads} }} }} }} {many}",
    )
    next_ones = [" ".join(f"...F{m}" for m in range(n + 1, min(n + 12, 100))) for n in range(100)]
    pairs = " ".join(
        f"fragment F{n} on Execution {{ guid {spread} }}" for n, spread in enumerate(next_ones)
    )
    yield document(
        "document: 100 fragments that spread each other",
        f"{{ executions {{ nodes {{ ...F0 }} }} }} {pairs}",
    )
    half = " ".join(
        f"fragment F{n} on Execution {{ a: guid b: state ... on Execution {{ c: id }} }}"
        for n in range(110)
    )
    yield document(
        "document: 110 fragments that overlap",
        f"{{ executions {{ nodes {{ {' '.join(f'...F{n}' for n in range(110))} }} }} }} {half}",
    )
    yield document(
        "document: 390 operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(390))
    )
    yield document(
        "document: 97 operations",
        " ".join(f"query Q{n} {{ executions {{ nodes {{ guid }} }} }}" for n in range(97)),
    )
    yield document(
        "document: 480 unknown arguments",
        "{ executions(" + " ".join(f"x{n}: 1" for n in range(480)) + ") { totalCount } }",
    )
    yield document(
        "document: 480 unknown entries",
        "{ executions(filter: {" + " ".join(f"x{n}: 1" for n in range(480)) + "}) { totalCount } }",
    )
    yield document(
        "document: 15 unknown fields", "{ " + " ".join(f"executionz{n}" for n in range(15)) + " }"
    )
    yield document(
        "document: 600 entries of a filter",
        "{ executions(filter: {or: [" + '{guid: {eq: "a"}} ' * 165 + "]}) { totalCount } }",
    )
    yield document(
        "document: 1,900 values in a list",
        "{ executions(filter: {guid: {in: [" + "1 " * 1950 + "]}}) { totalCount } }",
    )
    yield document(
        "document: 1,900 wrong values",
        "{ executions(filter: {state: {in: [" + "XERROR " * 1950 + "]}}) { totalCount } }",
    )
    yield document(
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
    yield document(
        "document: 400 unknown variables",
        "{ executions(filter: {guid: {in: ["
        + " ".join(f"$v{n}" for n in range(900))
        + "]}}) { totalCount } }",
    )
    yield document(
        "document: 1,000 type definitions", " ".join(f"type A{n} {{ a: Int }}" for n in range(280))
    )
    yield document(
        "document: nested 55 brackets",
        "{ executions(filter: " + "{not: " * 50 + "{}" + "}" * 50 + ") { totalCount } }",
    )
    yield document("document: introspection", get_introspection_query())
    yield document("graph: fragments that unfold", _unfolding(4))
    yield document(
        "graph: as many rows as the cost allows",
        "{ agentflows(first: 49) { nodes { executions(first: 49) { nodes { guid agentflow { name }"
        " session { executions(first: 1) { nodes { guid } } } } } } } }",
    )
    yield document(
        "graph: 230 ids of nothing",
        "{ nodes(ids: ["
        + " ".join(f'"{n:x}"' for n in range(230))
        + "]) { id ... on Session { executions { totalCount } } } }",
    )
    year = 'createdOn: {gte: "2022-01-01T00:00:00Z", lt: "2023-01-01T00:00:00Z"}'
    timeline = "timeline(bucket: HOUR) { start totalCount byState { state count } }"
    yield document(
        "statistics: 17,520 hours",
        f"{{ executionStats(filter: {{{year}}}) {{ a: {timeline} b: {timeline} }} }}",
    )
    yield document(
        "statistics: as many timelines as the cost allows",
        f"{{ executionStats(filter: {{{year}}}) {{ "
        + " ".join(f"a{n}: timeline(bucket: HOUR) {{ start }}" for n in range(29))
        + "} }",
    )


def _unfolding(levels: int) -> str:
    """Return a short document whose fragments unfold into four times as many at each level."""
    parts = ["{ executions(first: 1) { nodes { ...F0 } } }"]
    for level in range(levels):
        inner = f"...F{level + 1}" if level + 1 < levels else "guid"
        page = f"executions(first: 1) {{ nodes {{ {inner} }} edges {{ node {{ {inner} }} }} }}"
        parts.append(
            f"fragment F{level} on Execution {{ agentflow {{ {page} }} session {{ {page} }} }}"
        )
    return " ".join(parts)
