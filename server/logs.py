"""The log: JSON lines in production, for people on a terminal.

Values that clients sent never reach it. Messages of unexpected exceptions can hold some, so of
an exception only its type and the lines of code it passed are logged, and what the database
itself said, which names tables and columns.
"""

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal, TextIO

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, Processor

_LONGEST_NAME = 100
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_operation_name: ContextVar[object] = ContextVar("operation_name", default=None)


def configure_logs(
    level: str, form: Literal["auto", "json", "console"], stream: TextIO | None = None
) -> None:
    """Send what this process logs to one stream: standard error unless another is given.

    ``level`` is the name of the least grave level that the gateway logs. Of what libraries say
    only warnings are logged, and what is graver.
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
    # Drivers log the values of parameters when they are let.
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level.upper())


@contextlib.contextmanager
def request_logged(request_id: str) -> Iterator[None]:
    """Name the request in everything that is logged inside the block."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


@contextlib.contextmanager
def operation_logged(name: object) -> Iterator[None]:
    """Name the GraphQL operation in everything that is logged inside the block."""
    token = _operation_name.set(name)
    try:
        yield
    finally:
        _operation_name.reset(token)


def _add_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if (request_id := _request_id.get()) is not None:
        event["request_id"] = request_id
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
    """The types of an exception and its causes and the code they passed, without their texts."""
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
