"""Checks of the arguments of root fields, which run before anything is read or changed."""

from collections.abc import Callable, Iterable, Iterator

from db.errors import GatewayError, InvalidInput
from resolvers.arguments import Arguments
from resolvers.context import Context
from resolvers.page_arguments import check_number, offset_faults, page_argument_faults

Check = Callable[[Arguments, Context], Iterable[GatewayError]]
"""Finds everything that is wrong with the arguments of a field."""


def check_nothing(_arguments: Arguments, _context: Context) -> Iterable[GatewayError]:
    """Accept arguments that can't be wrong once they are coerced."""
    return ()


def check_connection(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter and the paging arguments of a connection."""
    yield from _check_filter(arguments, context)
    yield from page_argument_faults(arguments.order, context.max_page_size, arguments.given)


def check_numbered_page(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter, and the number and size of a page."""
    yield from _check_filter(arguments, context)
    yield from offset_faults(arguments["page"], arguments["limit"], context.max_page_size)


def check_guids(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check the number of guids."""
    try:
        check_number(arguments["guids"], context.max_ids)
    except InvalidInput as fault:
        yield fault


def _check_filter(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    try:
        arguments.filter(context.max_ids)
    except InvalidInput as fault:
        yield fault
