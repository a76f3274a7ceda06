"""A network between a gateway and PostgreSQL that can be cut, reset and slowed down."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Proxy:
    """Passes on what it is sent, as long as it is let."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[Any] = set()
        self._passes = True
        self._answers = True
        self._lets_in = True
        self._delay = 0.0
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: Any = self._run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def reset(self) -> None:
        """Break every connection off; new ones are let through."""

        async def reset() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        self._run(reset())

    def cut(self) -> None:
        """Pass nothing on, and say nothing: what is sent is lost."""
        self._passes = False

    def lose_answers(self) -> None:
        """Pass on what is asked, and nothing that is answered."""
        self._answers = False

    def close_door(self) -> None:
        """Break every connection off, and let no new ones through."""
        self._lets_in = False
        self.reset()

    def mend(self) -> None:
        """Pass on what is sent from now on; what was lost stays lost, so its connections break."""
        self._passes = self._answers = self._lets_in = True
        self._delay = 0.0
        self.reset()

    def slow(self, seconds: float) -> None:
        """Wait before each piece is passed on."""
        self._delay = seconds

    def close(self) -> None:
        """End it."""

        async def close() -> None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.sleep(0.05)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> Any:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: Any, writer: Any) -> None:
        if not self._lets_in:
            writer.transport.abort()
            return
        try:
            behind = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, behind[1]}
        self._writers |= pair
        try:
            await asyncio.gather(
                self._pass(reader, behind[1]), self._pass(behind[0], writer, is_answer=True)
            )
        finally:
            self._writers -= pair

    async def _pass(self, reader: Any, writer: Any, *, is_answer: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._delay:
                    await asyncio.sleep(self._delay)
                if self._passes and (self._answers or not is_answer):
                    writer.write(data)
        writer.transport.abort()


@contextlib.contextmanager
def proxy(target: Path) -> Iterator[Proxy]:
    """A network until the block ends."""
    between = Proxy(target)
    try:
        yield between
    finally:
        between.close()
