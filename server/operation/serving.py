"""Run the server in one process or several, and announce its URL when it is ready."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import typer
import uvicorn

from db.database import Database
from db.keys import Keys
from server.observability.shared_metrics import shared_by_processes
from server.operation.listening import listen
from server.operation.program import on_database, program
from server.operation.protocols.http import GuardedHttpProtocol
from server.operation.protocols.websocket import GracefulWebSocketProtocol
from server.operation.settings import Settings
from server.operation.workers import Workers, longest_shutdown


def server_config(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    """Return uvicorn's configuration for a gateway: an application, or the name of its factory."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=GuardedHttpProtocol,
        ws=GracefulWebSocketProtocol,
        timeout_graceful_shutdown=settings.shutdown_timeout,
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=settings.heartbeat_interval,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        **more,
    )


def run_server(settings: Settings, sockets: list[socket.socket]) -> bool:
    """Serve on bound sockets until the process is told to stop; return False if it can't start.

    Raises CannotListen if another program has begun to listen on the port.
    """
    # Worker processes read their settings from the environment.
    for name, value in settings.model_dump(mode="json", exclude_unset=True).items():
        if value is not None:
            os.environ[f"GATEWAY_{name.upper()}"] = _as_text(value)
    config = server_config("app:served_app", settings, factory=True, workers=settings.workers)
    listen(sockets, config.backlog)
    if settings.workers > 1:
        # Workers import the installed gateway, whatever modules the current folder holds.
        os.environ["PYTHONSAFEPATH"] = "1"
        # Connections that arrive before the workers have started wait in the backlog.
        _announce(sockets[0])
        with shared_by_processes():
            Workers(config, sockets).run()
        return True
    server = _AnnouncingServer(config)
    server.run(sockets)
    return server.started


async def access_notice(
    settings: Settings, database: Database, named: str | None = None
) -> str | None:
    """Return a warning about who may use the gateway, or None when keys protect it.

    Commands that it suggests name the database by the URL ``named``, if there is one.
    """
    if settings.auth == "off":
        where = "on this machine" if settings.on_loopback else "who reaches this address"
        return f"Keys are off (GATEWAY_AUTH=off): anyone {where} may read, change and delete"
    if await Keys(database).find_all():
        return None
    make = f"make one with: {program()} keys create NAME --scope read"
    if named is not None:
        make += f" {on_database(named)}"
    if settings.keys_required:
        return f"No key was made yet, so every request is refused; {make}"
    return (
        "No key was made yet: anyone on this machine may read, change and delete, and calls "
        f"through a proxy are refused; {make}"
    )


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class _AnnouncingServer(uvicorn.Server):
    """Prints its URL once it accepts connections, and exits with status 0 on SIGTERM."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            _announce(self.servers[0].sockets[0])

    async def shutdown(self, sockets: Any = None) -> None:
        """Shut down within a bound, whatever the database does."""
        # A statement that waits for a lock can't be interrupted. Ending it is safe: its result
        # has not been acknowledged.
        bound = threading.Timer(longest_shutdown(self.config), os._exit, (0,))
        bound.daemon = True
        bound.start()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Keep uvicorn from raising SIGTERM again once it has shut down."""
        with super().capture_signals():
            yield
            if signal.SIGTERM in self._captured_signals:
                self._captured_signals.clear()


def _announce(listening: Any) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"Executions Gateway: http://{shown}:{port}")
    sys.stdout.flush()
