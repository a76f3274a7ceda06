"""Checks of the arguments of fields, which run before anything is read or changed."""

from collections.abc import Callable, Iterable, Iterator

from db.errors import GatewayError, InvalidInput
from resolvers.arguments import Arguments
from resolvers.context import Context
from resolvers.page_arguments import check_number, offset_errors, page_argument_errors

Check = Callable[[Arguments, Context], Iterable[GatewayError]]
"""Returns all errors in the arguments of a field."""


def check_nothing(_arguments: Arguments, _context: Context) -> Iterable[GatewayError]:
    """Accept arguments that can't be wrong once they are coerced."""
    return ()


def check_connection(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter and the paging arguments of a connection."""
    yield from check_filter(arguments, context)
    yield from page_argument_errors(arguments.order, context.max_page_size, arguments.given)


def check_numbered_page(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter, and the number and size of a page."""
    yield from check_filter(arguments, context)
    yield from offset_errors(arguments["page"], arguments["limit"], context.max_page_size)


def check_guids(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check the number of guids."""
    yield from _check_number("guids", arguments, context)


def check_ids(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check the number of global ids."""
    yield from _check_number("ids", arguments, context)


def _check_number(name: str, arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    try:
        check_number(name, arguments[name], context.max_ids)
    except InvalidInput as error:
        yield error


def check_matching(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter that must narrow something, and a limit."""
    try:
        arguments.narrowing_filter(context.max_ids)
    except InvalidInput as error:
        yield error
    limit = arguments.given.get("limit")
    if limit is not None and limit < 1:
        yield InvalidInput.of("limit", limit, "1 or more")


def check_filter(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter."""
    try:
        arguments.filter(context.max_ids)
    except InvalidInput as error:
        yield error
