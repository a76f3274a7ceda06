"""Bind the listening sockets, with error messages that say what to do."""

import errno
import os
import socket

from db.errors import GatewayError

_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_ANY_IPV6 = "::"


class CannotListen(GatewayError):
    """The gateway can't listen on the address; the message says why and what to do."""

    code = "BAD_USER_INPUT"


def bind(host: str, port: int) -> list[socket.socket]:
    """Bind a socket to each address of a host; port 0 takes a free one, the same for all.

    ``::`` accepts IPv4 too. Connections are refused until ``listen`` is called. Raises
    CannotListen.
    """
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, proto=socket.IPPROTO_TCP
        )
    except (socket.gaierror, UnicodeError):
        raise CannotListen(
            f"The host {host} is not known; give an address of this machine with --host "
            "(GATEWAY_HOST)"
        ) from None
    bound: list[socket.socket] = []
    refused: OSError | None = None
    for family, address in dict.fromkeys((family, address) for family, *_, address in found):
        chosen = bound[0].getsockname()[1] if bound else port
        try:
            bound.append(_bind(family, (address[0], chosen, *address[2:]), host))
        except OSError as error:
            refused = error
            if error.errno not in _NOT_HERE:
                break
    if refused is not None and (refused.errno not in _NOT_HERE or not bound):
        for each in bound:
            each.close()
        raise CannotListen(_reason(refused, host, port)) from None
    return bound


def listen(bound: list[socket.socket], backlog: int) -> None:
    """Accept connections on sockets that ``bind`` returned. Raises CannotListen."""
    for each in bound:
        host, port = each.getsockname()[:2]
        try:
            each.listen(backlog)
        except OSError as error:
            # Several programs may bind to a port until one of them listens.
            raise CannotListen(_reason(error, host, port)) from None


def _bind(family: socket.AddressFamily, address: tuple[str | int, ...], host: str) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # Allows a restart while the last connections of the port are in TIME_WAIT.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != _ANY_IPV6)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _reason(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is in use by another program; stop that one, or choose "
                "another port with --port (GATEWAY_PORT)"
            )
        case errno.EACCES | errno.EPERM:
            return (
                f"This user may not listen on port {port}; choose one above 1023 with --port "
                "(GATEWAY_PORT)"
            )
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return (
                f"{host} is not an address of this machine; give one with --host (GATEWAY_HOST), "
                "such as 127.0.0.1, or 0.0.0.0 for all of them"
            )
        case _:
            return f"The gateway can't listen on {host}, port {port}: {error.strerror}"
