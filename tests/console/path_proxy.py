"""A proxy that has the gateway below a path of its own, as an ingress that strips a prefix does."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

# A browser sends the head of a request in one piece, and nothing before the answer to it.
_REQUEST = re.compile(rb"\A([A-Z]+ )(/\S*)")
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class _Connection:
    """Takes the path's prefix off each request, and passes everything else on as it is."""

    def __init__(self, url: str, prefix: str) -> None:
        self._target = urlsplit(url)
        self._prefix = prefix.encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await asyncio.gather(
                self._ask(reader, behind[1], writer), self._answer(behind[0], writer)
            )
        finally:
            for each in (behind[1], writer):
                each.transport.abort()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        behind: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                asked = _REQUEST.match(data)
                if asked and not asked[2].startswith(self._prefix + b"/"):
                    writer.write(_NOT_FOUND)
                    continue
                behind.write(_REQUEST.sub(self._stripped, data))
        behind.close()

    def _stripped(self, asked: re.Match[bytes]) -> bytes:
        return asked[1] + asked[2].removeprefix(self._prefix)

    @staticmethod
    async def _answer(behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await behind.read(65_536):
                writer.write(data)
        writer.close()


@contextlib.contextmanager
def proxy_below(url: str, prefix: str) -> Iterator[str]:
    """Have a gateway at ``prefix`` of another address until the block ends; yields the address.

    Nothing else is there: what is asked for outside the prefix is not found.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(_Connection(url, prefix).serve, "127.0.0.1", 0)

    async def end() -> None:
        listening.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()

    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}{prefix}"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
