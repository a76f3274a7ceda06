"""What a request that uses up a limit is made of."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FIELDS = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"
"""Every field of an execution that is read from its row."""


@dataclass(frozen=True)
class Request:
    """A request; ``body`` makes one that was never sent before out of a number."""

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
