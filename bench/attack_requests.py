"""The building blocks of requests that use up a limit."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FIELDS = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"
"""The fields of an execution that are columns of its row."""


@dataclass(frozen=True)
class Request:
    """A request; ``body`` makes a new body, never sent before, from a number."""

    name: str
    body: Callable[[int], bytes]
    method: str = "POST"
    path: str = "/graphql"
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def asks(name: str, query: str, variables: Any) -> Request:
    def body(number: int) -> bytes:
        return as_json({"query": f"{query} #{number}", "variables": variables})

    return Request(name, body)


def as_json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def raw(name: str, text: str) -> Request:
    return Request(name, lambda number: text.replace("NUMBER", str(number)).encode())


def document(name: str, query: str) -> Request:
    return asks(name, query, {})
