"""Read the contents of executions for a response, up to its limit of bytes."""

import asyncio
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from db.contents.shown import ShownContent, show
from db.contents.steps import Efforts
from db.contents.stored import ContentReader, StoredContent, within

_READ_ON_THE_LOOP = 10_000
"""How many bytes are read without a thread."""
_BYTES_OF_STEP = 512
"""How many bytes of a response a step takes at least."""

# Few, so that large contents can't take the processor from everything else: one may be busy with a
# content for a second, and the other reads those that are small.
_threads = ThreadPoolExecutor(2, "contents")


class ContentRoom:
    """How much a response still has room for, of ``max_bytes`` of contents."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._efforts = Efforts()
        self._lock = asyncio.Lock()

    async def read(
        self,
        reader: ContentReader,
        execution_ids: Sequence[int],
        copies: int = 1,
        *,
        with_steps: bool = True,
    ) -> list[ShownContent]:
        """Read contents, each of which the response will contain at most ``copies`` times.

        Ids must differ. Sends two statements at most.
        """
        async with self._lock:
            room = self._left // copies
            sizes = await reader.sizes(execution_ids)
            size = sum(sizes[each] for each in within(room, execution_ids, sizes))
            if size <= _READ_ON_THE_LOOP:
                found = await reader.find_many(execution_ids, sizes, room)
                read = self._read_all(found, room, with_steps=with_steps)
            else:
                async with reader.turn(size):
                    found = await reader.find_many(execution_ids, sizes, room)
                    work = functools.partial(self._read_all, found, room, with_steps=with_steps)
                    read = await asyncio.get_running_loop().run_in_executor(_threads, work)
            texts = sum(each.size for each in found if each.text is not None)
            steps = _BYTES_OF_STEP * sum(len(each.steps) for each in read)
            self._left -= copies * max(texts, steps)
        return read

    def _read_all(
        self, found: Sequence[StoredContent], room: int, *, with_steps: bool
    ) -> list[ShownContent]:
        read = []
        most_steps = room // _BYTES_OF_STEP
        for content in found:
            if content.text is not None:
                each = show(content.text, most_steps if with_steps else None, self._efforts)
                room -= content.size
                most_steps -= len(each.steps)
            elif content.size:
                each = ShownContent(
                    problem=f"It has {content.size:,} bytes, and this response has room for"
                    f" {room:,} more bytes of contents (max_data_bytes is {self._max_bytes:,})"
                )
            else:
                each = ShownContent()
            read.append(each)
        return read
