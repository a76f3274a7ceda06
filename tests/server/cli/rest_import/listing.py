"""Little HTTP servers on loopback, and imports from them in the process of the test."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Query = dict[str, str]


@dataclass
class Reply:
    """A response; ``raw`` is sent as it is, in place of JSON."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: bool = False


@dataclass
class Listing:
    """A server that answers each request for its list with a function's result."""

    url: str
    requests: list[tuple[str, dict[str, str]]]
    """The paths and headers of all requests."""
    all_headers: list[list[tuple[str, str]]] = field(default_factory=list)
    """The headers of all requests, those that were sent more than once too."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that is gone."""


@contextlib.contextmanager
def listing(
    answer: Callable[[Query], Any],
    *,
    tls: Any = None,
) -> Iterator[Listing]:
    """Serve a list; ``answer`` returns JSON or a Reply."""
    requests: list[tuple[str, dict[str, str]]] = []
    all_headers: list[list[tuple[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            requests.append((self.path, dict(self.headers.items())))
            all_headers.append(self.headers.items())
            found = answer(dict(parse_qsl(urlsplit(self.path).query)))
            reply = found if isinstance(found, Reply) else Reply(found)
            body = json.dumps(reply.value).encode() if reply.raw is None else reply.raw
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + reply.cut))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)
            if reply.cut:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            scheme = "http" if tls is None else "https"
            port = server.server_address[1]
            yield Listing(f"{scheme}://127.0.0.1:{port}/api/v1/executions", requests, all_headers)
        finally:
            server.shutdown()
            thread.join()
