"""Parse a GraphQL request from an HTTP request (GraphQL over HTTP, section 5)."""

import re
from dataclasses import dataclass
from typing import Any

from db.errors import InvalidInput, quote
from server.http.bodies import BodyReader, UnsupportedMediaType
from server.http.json_text import read_json
from server.http.request import HttpRequest

_DOCUMENT_ID = re.compile(r"([A-Za-z0-9._~-]+:)?[A-Za-z0-9._~-]+", re.ASCII)
_LONGEST_DOCUMENT_ID = 500
# GraphQL over HTTP defines four; clients and proxies add a few.
_MOST_PARAMETERS = 100
_UTF8 = re.compile(r"utf-?8", re.IGNORECASE)


@dataclass(slots=True)
class GraphQLRequest:
    """A request to run an operation."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None
    document_id: str | None = None
    """The id of the document (GraphQL over HTTP, appendix A), instead of ``query`` or with it."""


Batch = list[GraphQLRequest | InvalidInput]
"""Requests to run one after the other; an invalid one is replaced by its error."""


async def read_requests(
    request: HttpRequest, bodies: BodyReader, max_batch: int
) -> GraphQLRequest | Batch:
    """Parse the parameters of a GET, or the JSON body of a POST; a list is a batch.

    Raises UnsupportedMediaType if the body is not JSON, and InvalidInput if a parameter is
    malformed, the body is too large or too late, or a batch has more than ``max_batch`` operations.
    """
    if request.method == "POST":
        _check_content_type(request.header(b"content-type") or "")
        content = read_json("The body", await bodies.read(request), "max_input_objects")
        if isinstance(content, list):
            return _batch(content, max_batch)
        return read_members(content)
    if request.scope["query_string"].count(b"&") >= _MOST_PARAMETERS:
        raise InvalidInput(f"A GET must have at most {_MOST_PARAMETERS} parameters")
    members: dict[str, Any] = dict(request.query)
    for name in ("variables", "extensions"):
        if members.get(name):
            members[name] = read_json(name, members[name].encode(), "max_input_objects")
        else:
            members.pop(name, None)
    for name in ("operationName", "documentId"):
        if not members.get(name):
            members.pop(name, None)
    return read_members(members)


def _check_content_type(content_type: str) -> None:
    if content_type == "application/json":
        return
    media_type, *parameters = (part.strip() for part in content_type.split(";"))
    if media_type.lower() != "application/json":
        raise UnsupportedMediaType.of("Content-Type", content_type, "application/json")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and not _UTF8.fullmatch(value.strip('" ')):
            raise UnsupportedMediaType.of("The charset of the body", value, "utf-8")


def _batch(items: list[Any], max_batch: int) -> Batch:
    if not max_batch:
        raise InvalidInput("A batch of operations is not accepted; send them one by one")
    if not 1 <= len(items) <= max_batch:
        raise InvalidInput(
            f"A batch must hold from 1 to {max_batch} operations (max_batch); got {len(items)}",
            limit="max_batch",
        )
    return [_member_of_batch(item) for item in items]


def _member_of_batch(item: Any) -> GraphQLRequest | InvalidInput:
    try:
        return read_members(item)
    except InvalidInput as error:
        return error


def read_members(members: Any) -> GraphQLRequest:
    """Read a request out of its JSON object. Raises InvalidInput for a malformed member."""
    if not isinstance(members, dict):
        raise InvalidInput(f"The body must be a JSON object; got {quote(members)}")
    query = members.get("query")
    if query is not None and (not isinstance(query, str) or not query.strip()):
        raise InvalidInput.of("query", query, "a GraphQL document, as a string")
    operation_name = members.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise InvalidInput.of("operationName", operation_name, "a string or null")
    return GraphQLRequest(
        query=query,
        # Some clients send an empty name for none (GraphQL has no empty names).
        operation_name=operation_name or None,
        variables=_object(members, "variables"),
        extensions=_object(members, "extensions"),
        document_id=_document_id(members),
    )


def _document_id(members: dict[str, Any]) -> str | None:
    value = members.get("documentId")
    if value is None:
        return None
    if (
        not isinstance(value, str)
        or len(value) > _LONGEST_DOCUMENT_ID
        or not _DOCUMENT_ID.fullmatch(value)
    ):
        raise InvalidInput.of(
            "documentId", value, "an identifier, such as sha256: and the hash of a document in hex"
        )
    return value


def _object(members: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = members.get(name)
    if value is not None and not isinstance(value, dict):
        raise InvalidInput.of(name, value, "a JSON object or null")
    return value
