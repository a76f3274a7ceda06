"""The command that asks a running gateway whether it is up, for container health checks."""

import ipaddress
import urllib.error
import urllib.request
from typing import Annotated

import typer

from server.cli.command import print_error, read_settings

_SECONDS = 3.0


def health(
    host: Annotated[str | None, typer.Option(help="The gateway's address.")] = None,
    port: Annotated[int | None, typer.Option(help="The gateway's port.")] = None,
) -> None:
    """Ask the gateway on this machine whether it is up; the exit status is 0 if so, and else 1.

    The address and port come from the settings, as for `serve`.
    """
    settings = read_settings(host=host, port=port)
    url = f"http://{_reachable(settings.host)}:{settings.port}/healthz"
    # Connect directly, even when the environment names a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS):
            typer.echo(f"The gateway at {url} is up")
    except urllib.error.HTTPError as error:
        print_error(f"The gateway at {url} answered {error.code}")
        raise typer.Exit(1) from None
    except OSError as error:
        print_error(f"The gateway at {url} does not answer: {getattr(error, 'reason', error)}")
        raise typer.Exit(1) from None


def _reachable(host: str) -> str:
    """Return the host to connect to for a listening address, which may be the unspecified one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
