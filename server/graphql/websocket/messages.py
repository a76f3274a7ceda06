"""The messages of the graphql-transport-ws protocol, as they are read and written."""

from dataclasses import dataclass
from typing import Any

from db.errors import GatewayError, InvalidInput
from server.http.json_text import read_json, write_json

PROTOCOL = "graphql-transport-ws"
"""The name of the subprotocol."""

_KINDS = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
_WITH_ID = frozenset({"subscribe", "complete"})


class InvalidMessage(Exception):
    """A message that the protocol does not know; it says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a client says. ``id`` is there for an operation; ``payload`` where one was sent."""

    kind: str
    id: str = ""
    payload: dict[str, Any] | None = None


def read_message(text: str) -> Message:
    """Read a message of a client. Raises InvalidMessage."""
    try:
        members = read_json("A message", text.encode())
    except InvalidInput as error:
        raise InvalidMessage(error.message) from None
    if not isinstance(members, dict):
        raise InvalidMessage("A message must be a JSON object")
    kind = members.get("type")
    if not isinstance(kind, str):
        raise InvalidMessage("The type of a message must be a string")
    if kind not in _KINDS:
        raise InvalidMessage(f"Unknown type of message: {kind}")
    operation_id = members.get("id")
    if kind not in _WITH_ID:
        operation_id = ""
    elif not isinstance(operation_id, str) or not operation_id:
        raise InvalidMessage(f"The id of {kind} must be a string that is not empty")
    payload = members.get("payload")
    if kind == "complete":
        payload = None
    elif not isinstance(payload, dict) and (kind == "subscribe" or payload is not None):
        raise InvalidMessage(f"The payload of {kind} must be an object")
    return Message(kind, operation_id, payload)


def next_message(operation_id: str, result: dict[str, Any]) -> str:
    """Write the result of an operation."""
    return _written({"id": operation_id, "type": "next", "payload": result})


def complete_message(operation_id: str) -> str:
    """Write the end of an operation."""
    return _written({"id": operation_id, "type": "complete"})


def error_message(operation_id: str, errors: list[dict[str, Any]]) -> str:
    """Write why an operation does not run."""
    return _written({"id": operation_id, "type": "error", "payload": errors})


def refusal_message(operation_id: str, error: GatewayError) -> str:
    """Write why an operation is refused."""
    failure = {"message": error.message, "extensions": {"code": error.code}}
    return error_message(operation_id, [failure])


def acknowledgement() -> str:
    """Write that operations may be sent."""
    return _written({"type": "connection_ack"})


def pong_message(payload: dict[str, Any] | None) -> str:
    """Write the answer to a ping, which returns what came with it."""
    return _written({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})


def _written(message: dict[str, Any]) -> str:
    return write_json(message).decode()
