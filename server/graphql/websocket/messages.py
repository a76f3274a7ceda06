"""The messages of the graphql-transport-ws protocol: parse and serialize them."""

from dataclasses import dataclass
from typing import Any

from db.errors import GatewayError, InvalidInput
from server.graphql.subscriptions.sink import Ending
from server.http.json_text import read_json, write_json

PROTOCOL = "graphql-transport-ws"
"""The name of the subprotocol."""

_KINDS = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
_LONGEST_ID = 1000
"""It is sent again with every event."""
_WITH_ID = frozenset({"subscribe", "complete"})


class InvalidMessage(Exception):
    """A message is not part of the protocol; the exception says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a client. ``id`` is set for an operation, ``payload`` if there was one."""

    kind: str
    id: str = ""
    payload: dict[str, Any] | None = None


def read_message(text: str) -> Message:
    """Parse a client's message. Raises InvalidMessage."""
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
    if len(operation_id) > _LONGEST_ID:
        raise InvalidMessage(f"The id of {kind} must have at most {_LONGEST_ID} characters")
    payload = members.get("payload")
    if kind == "complete":
        payload = None
    elif not isinstance(payload, dict) and (kind == "subscribe" or payload is not None):
        raise InvalidMessage(f"The payload of {kind} must be an object")
    return Message(kind, operation_id, payload)


def next_message(operation_id: str, result: dict[str, Any]) -> bytes:
    """Serialize the result of an operation."""
    return write_json({"id": operation_id, "type": "next", "payload": result})


def next_prefix(operation_id: str) -> bytes:
    """Serialize what stands before the payload of an event; a brace stands after it."""
    return write_json({"id": operation_id, "type": "next"})[:-1] + b',"payload":'


def complete_message(operation_id: str) -> bytes:
    """Serialize the end of an operation."""
    return write_json({"id": operation_id, "type": "complete"})


def error_message(operation_id: str, errors: list[dict[str, Any]]) -> bytes:
    """Serialize the errors of an operation that does not run."""
    return write_json({"id": operation_id, "type": "error", "payload": errors})


def refusal_message(operation_id: str, error: GatewayError) -> bytes:
    """Serialize the error with which an operation is refused."""
    failure = {"message": error.message, "extensions": {"code": error.code}}
    return error_message(operation_id, [failure])


def ending_message(operation_id: str, ending: Ending) -> bytes:
    """Serialize the error with which a subscription ends."""
    extensions: dict[str, str] = {"code": ending.code}
    if ending.cursor is not None:
        extensions["cursor"] = ending.cursor
    return error_message(operation_id, [{"message": ending.message, "extensions": extensions}])


def cursors_message(cursors: dict[str, str]) -> bytes:
    """Serialize a ping with the positions of subscriptions, by their ids."""
    return write_json({"type": "ping", "payload": {"cursors": cursors}})


def acknowledgement() -> bytes:
    """Serialize the message that the client may send operations."""
    return write_json({"type": "connection_ack"})


def pong_message(payload: dict[str, Any] | None) -> bytes:
    """Serialize the response to a ping, with the ping's payload."""
    return write_json({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
