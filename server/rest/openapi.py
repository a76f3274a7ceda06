"""The OpenAPI 3.1 description of the REST routes."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.instants import EARLIEST_MS, FIRST_IN_DIGITS, LATEST_MS
from db.models import ExecutionState
from db.reading.paging import LAST_PAGE
from server.http.json_text import write_json
from server.rest.files import COLUMNS
from server.rest.formats import CSV, JSON_LINES
from server.rest.parameters import DEFAULT_LIMIT

_STATES = [state.value for state in ExecutionState]
_GUID = {
    "name": "guid",
    "in": "path",
    "required": True,
    "description": "The guid of the execution.",
    "schema": {"type": "string", "minLength": 1},
}
_COLUMNS = ", ".join(COLUMNS)
_FILES = {
    CSV.media_type: f"A line of column names ({_COLUMNS}), and a line for each execution.",
    JSON_LINES.media_type: f"A JSON object on each line, with the keys {_COLUMNS}.",
}
"""The formats beside JSON, which clients ask for with Accept."""
_INSTANT = (
    "ISO 8601 (no offset means UTC; a date with no time means that whole day) "
    "or epoch milliseconds; included."
)


def openapi_route(prefix: str, *, max_page_size: int, max_ids: int, needs_key: bool) -> Route:
    """Return the route of ``/openapi.json``; see ``openapi_document``."""
    # Written once: it is served without a key, so it must cost next to nothing.
    document = openapi_document(
        prefix, max_page_size=max_page_size, max_ids=max_ids, needs_key=needs_key
    )
    written = write_json(document)

    async def openapi(_request: Request) -> Response:
        return Response(written, media_type="application/json")

    return Route("/openapi.json", openapi)


def openapi_document(
    prefix: str, *, max_page_size: int, max_ids: int, needs_key: bool
) -> dict[str, Any]:
    """Return the description of the REST routes below a prefix, with their limits."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Executions",
            "version": "1",
            "description": "Runs of agentflows: find, stop and delete them.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": {
            "/executions": {
                "get": _find_many(max_page_size),
                "delete": _delete_many(max_ids),
            },
            "/executions/{guid}": {
                "parameters": [_GUID],
                "get": _find_one(),
                "put": _update_one(),
                "delete": _delete_one(),
            },
        },
        "security": [{"key": []}] if needs_key else [{"key": []}, {}],
        "components": {"schemas": _SCHEMAS, "securitySchemes": {"key": _KEY}},
    }


def _find_many(max_page_size: int) -> dict[str, Any]:
    content = {"type": "array", "items": _reference("Execution")}
    answer = _answer("The executions, newest first.", content)
    answer["content"] |= {
        media_type: {"schema": {"type": "string", "description": description}}
        for media_type, description in _FILES.items()
    }
    answer["headers"] = {
        "X-Total-Count": _header("How many match, on all pages; with page or limit.", "integer"),
        "Link": _header("The first, prev, next and last page; with page or limit.", "string"),
        "Content-Disposition": _header("The name of a CSV file to save.", "string"),
    }
    return {
        "operationId": "findExecutions",
        "summary": "Get all executions, or one page of them, in the format that Accept names.",
        "parameters": [
            _query("page", "Page number, 1 unless given beside limit.", _number(LAST_PAGE)),
            _query("limit", _about_limit(max_page_size), _number(max_page_size)),
            _query("guid", "Exactly this guid.", {"type": "string"}),
            _query("agentflowId", "Exactly this agentflow.", {"type": "string"}),
            _query("agentflowName", "Part of the name, ignoring case.", {"type": "string"}),
            _query("sessionId", "Exactly this session.", {"type": "string"}),
            _states(),
            _query("startDate", f"Created at or after: {_INSTANT}", _instant()),
            _query("endDate", f"Created at or before: {_INSTANT}", _instant()),
        ],
        "responses": _responses(answer, "400"),
    }


def _find_one() -> dict[str, Any]:
    return {
        "operationId": "findExecution",
        "summary": "Get a specific execution, with its data if asked.",
        "parameters": [_include()],
        "responses": _responses(_answer("The execution.", _reference("Execution")), "400", "404"),
    }


def _update_one() -> dict[str, Any]:
    return {
        "operationId": "updateExecution",
        "summary": "Update an execution.",
        "requestBody": _body(_reference("ExecutionUpdate")),
        "responses": _responses(
            _answer("The execution after the update.", _reference("Execution")),
            "400",
            "404",
            "408",
            "413",
            "415",
        ),
    }


def _delete_one() -> dict[str, Any]:
    return {
        "operationId": "deleteExecution",
        "summary": "Delete a specific execution.",
        "responses": _responses(_answer("It is deleted.", _reference("Deletion")), "404"),
    }


def _delete_many(max_ids: int) -> dict[str, Any]:
    guids = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": max_ids}
    return {
        "operationId": "deleteExecutions",
        "summary": "Delete multiple executions.",
        "requestBody": _body(
            {
                "type": "object",
                "required": ["executionIds"],
                "properties": {"executionIds": guids},
            }
        ),
        "responses": _responses(
            _answer("They are deleted.", _reference("Deletion")), "400", "408", "413", "415"
        ),
    }


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS: dict[str, Any] = {
    "ExecutionState": {
        "type": "string",
        "description": "The state of an execution.",
        "enum": _STATES,
    },
    "Execution": {
        "type": "object",
        "required": [
            "id",
            "guid",
            "agentflowId",
            "agentflowName",
            "sessionId",
            "state",
            "created_on",
        ],
        "properties": {
            "id": {"type": "integer"},
            "guid": {"type": "string"},
            "agentflowId": {"type": "string"},
            "agentflowName": {"type": ["string", "null"]},
            "sessionId": {"type": ["string", "null"]},
            "state": _reference("ExecutionState"),
            "created_on": {"type": "integer", "description": "Epoch milliseconds."},
            "data": {
                "description": "With include=data: what the engine recorded, any JSON; null if it"
                " recorded nothing, or for the reason in dataProblem."
            },
            "dataProblem": {
                "type": "string",
                "description": "With include=data: why data is null or its steps can't be shown.",
            },
        },
    },
    "ExecutionUpdate": {
        "type": "object",
        "description": "Other keys are ignored, so that an execution can be sent back.",
        "properties": {"state": _reference("ExecutionState")},
    },
    "Deletion": {
        "type": "object",
        "required": ["raw", "affected"],
        "properties": {
            "raw": {
                "type": "array",
                "description": "Always empty.",
                "items": {"type": "object"},
                "maxItems": 0,
            },
            "affected": {"type": "integer", "minimum": 0},
        },
    },
    "Error": {
        "type": "object",
        "required": ["statusCode", "success", "code", "message"],
        "properties": {
            "statusCode": {"type": "integer"},
            "success": {"const": False},
            "code": {"type": "string"},
            "message": {"type": "string"},
            "id": {"type": "string", "description": "The id of the error in the server's log."},
        },
    },
}

_FAILURES = {
    "400": "Invalid input.",
    "401": "No key, or an invalid one.",
    "403": "The key lacks the scope that this needs.",
    "404": "Execution not found.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large, compressed or decompressed.",
    "415": "The body has another Content-Encoding than gzip.",
    "500": "Internal server error.",
    "503": "The database can't answer, or too many requests are running.",
}
_FAILURE_HEADERS = {
    "415": ("Accept-Encoding", "The accepted codings."),
    "401": ("WWW-Authenticate", "How to authenticate."),
    "503": ("Retry-After", "In how many seconds to try again."),
}
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key, made with `executions-gateway keys create`.",
}


def _responses(success: dict[str, Any], *failures: str) -> dict[str, Any]:
    statuses = sorted({*failures, "401", "403", "500", "503"})
    return {"200": success} | {status: _failure(status) for status in statuses}


def _failure(status: str) -> dict[str, Any]:
    answer = _answer(_FAILURES[status], _reference("Error"))
    if status in _FAILURE_HEADERS:
        name, description = _FAILURE_HEADERS[status]
        answer["headers"] = {name: _header(description, "string")}
    return answer


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(description: str, kind: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _about_limit(max_page_size: int) -> str:
    default = min(DEFAULT_LIMIT, max_page_size)
    # No default in the schema: generated clients would send it, and never get the whole list.
    return f"Executions on a page, {default} unless given beside page; without both, all are sent."


def _number(maximum: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": maximum}


def _states() -> dict[str, Any]:
    description = "One state or several: repeated, as state[], or separated by commas."
    schema = {"type": "array", "items": _reference("ExecutionState")}
    state = _query("state", description, schema)
    return {**state, "style": "form", "explode": True, "allowEmptyValue": True}


def _include() -> dict[str, Any]:
    description = "What the execution has besides the documented keys."
    return _query("include", description, {"type": "string", "enum": ["data", ""]})


def _instant() -> dict[str, Any]:
    return {
        "anyOf": [
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date"},
            {"type": "integer", "minimum": EARLIEST_MS, "maximum": 0},
            {"type": "integer", "minimum": FIRST_IN_DIGITS, "maximum": LATEST_MS},
            {"type": "string", "maxLength": 0},
        ]
    }
