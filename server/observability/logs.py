"""The log: JSON lines in production, readable text on a terminal.

Values that clients sent never reach the log. The message of an unexpected exception may contain
some, so only its type and stack are logged. A database error's message, which names tables and
columns, is logged too.
"""

import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any, Literal, TextIO

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, Processor

_LONGEST_NAME = 100
_request_id: ContextVar[bytes | None] = ContextVar("request_id", default=None)
_operation_name: ContextVar[object] = ContextVar("operation_name", default=None)


def configure_logs(
    level: str, form: Literal["auto", "json", "console"], stream: TextIO | None = None
) -> None:
    """Log to one stream: standard error unless another is given.

    ``level`` is the lowest level that the gateway logs. Libraries log warnings and errors only.
    """
    stream = stream or sys.stderr
    readable = form == "console" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _add_request,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _describe_exception,
                _renderer(readable=readable, colors=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # At lower levels, drivers log the values of parameters.
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level.upper())


def log_as_request(request_id: bytes) -> None:
    """Add the request's id to everything that the current task logs."""
    _request_id.set(request_id)
    _operation_name.set(None)


def log_as_operation(name: object) -> None:
    """Add the GraphQL operation's name to everything that the current task logs."""
    _operation_name.set(name)


def _add_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if (request_id := _request_id.get()) is not None:
        event["request_id"] = request_id.decode("ascii")
        name = _operation_name.get()
        event["operation_name"] = name[:_LONGEST_NAME] if isinstance(name, str) else None
    return event


def _renderer(*, readable: bool, colors: bool) -> Processor:
    if readable:
        return structlog.dev.ConsoleRenderer(colors=colors)
    return structlog.processors.JSONRenderer()


def _describe_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """Describe an exception and its causes by type and stack, without their messages."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 5:
        frames = traceback.format_list(traceback.extract_tb(current.__traceback__))
        parts.append("".join(frames) + _name(current))
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return "\ncaused by\n".join(parts)


def _name(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, DBAPIError):
        return f"{name}: {type(error.orig).__qualname__}: {error.orig}"
    return name
