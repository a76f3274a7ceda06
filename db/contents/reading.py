"""Read what engines left of executions, for a response that has room for so much of it."""

import asyncio
import functools
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from db.contents.contents import Content, Contents, within
from db.contents.json_text import NotJson, TooManyParts
from db.contents.steps import Efforts, NoSteps, Step, check_steps, read_steps
from db.texts import shown

_READ_ON_THE_LOOP = 10_000
"""How many bytes are read without a thread."""
_BYTES_OF_STEP = 512
"""How many bytes of a response a step takes at least."""

# Few, so that reading large contents can't take the processor from everything else: one for those
# that take up to a second, and one for others.
_threads = ThreadPoolExecutor(2, "contents")
# The contents of Flowise have the ids of the credentials that its nodes use, as texts.
_CREDENTIAL = '"FLOWISE_CREDENTIAL_ID"'
_credentials = re.compile(rf'({_CREDENTIAL}[ \t\n\r]*+:[ \t\n\r]*+)"[^"\\]*+(?:\\.[^"\\]*+)*+"')


class ReadContent(NamedTuple):
    """The content of an execution: as JSON text, and its steps.

    ``problem`` says why one of the two is missing although the engine left something.
    """

    data: str | None = None
    steps: Sequence[Step] = ()
    problem: str | None = None


class ContentRoom:
    """What a response has room for: ``max_bytes`` of contents."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._efforts = Efforts()
        self._lock = asyncio.Lock()

    async def read(
        self,
        contents: Contents,
        execution_ids: Sequence[int],
        copies: int = 1,
        *,
        with_steps: bool = True,
    ) -> list[ReadContent]:
        """Read contents, each of which the response will have at most ``copies`` times.

        Each id is given once. Two statements are sent at most.
        """
        async with self._lock:
            room = self._left // copies
            sizes = await contents.sizes(execution_ids)
            size = sum(sizes[each] for each in within(room, execution_ids, sizes))
            if size <= _READ_ON_THE_LOOP:
                found = await contents.find_many(execution_ids, sizes, room)
                read = self._read_all(found, room, with_steps=with_steps)
            else:
                async with contents.turn(size):
                    found = await contents.find_many(execution_ids, sizes, room)
                    work = functools.partial(self._read_all, found, room, with_steps=with_steps)
                    read = await asyncio.get_running_loop().run_in_executor(_threads, work)
            texts = sum(each.size for each in found if each.text is not None)
            steps = _BYTES_OF_STEP * sum(len(each.steps) for each in read)
            self._left -= copies * max(texts, steps)
        return read

    def _read_all(
        self, found: Sequence[Content], room: int, *, with_steps: bool
    ) -> list[ReadContent]:
        read = []
        most_steps = room // _BYTES_OF_STEP
        for content in found:
            if content.text is not None:
                each = _read(content.text, most_steps if with_steps else None, self._efforts)
                room -= content.size
                most_steps -= len(each.steps)
            elif content.size:
                each = ReadContent(
                    problem=f"It has {content.size:,} bytes, and this response has room for"
                    f" {room:,} more bytes of contents (max_data_bytes is {self._max_bytes:,})"
                )
            else:
                each = ReadContent()
            read.append(each)
        return read


def _read(text: str, most_steps: int | None, efforts: Efforts) -> ReadContent:
    """Read a content, with its steps if they are not more than ``most_steps``."""
    text = shown(text)
    if _CREDENTIAL in text:
        text = _credentials.sub(r"\1null", text)
    try:
        if most_steps is None:
            check_steps(text, efforts)
            return ReadContent(text)
        return ReadContent(text, read_steps(text, most_steps, efforts))
    except NotJson as error:
        return ReadContent(problem=f"It is no JSON: {error}")
    except NoSteps as error:
        return ReadContent(text, problem=f"Its steps can't be shown: {error}")
    except TooManyParts as error:
        return ReadContent(problem=f"It takes too long to read: {error}")
