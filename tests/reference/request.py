"""What a client sends."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """An operation of a document, and the values of its variables."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"query": self.query, "variables": self.variables, "operationName": self.name}
