"""The formats of a list of executions, of which a client chooses one with ``Accept``."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from db.reading.paging import Row
from server.http.direct_write import Header
from server.http.json_text import write_json
from server.http.media_types import preferred
from server.rest.files import COLUMNS, CSV_HEADER, csv_lines, json_lines
from server.rest.response import FIELDS, as_json


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A format: the fields that it needs of each execution, and how it writes rows of these.

    A list is ``start``, the rows in batches with ``separator`` in between, and ``end``.
    """

    media_type: str
    headers: tuple[Header, ...]
    fields: tuple[str, ...]
    serialize: Callable[[Sequence[Row]], bytes]
    start: bytes = b""
    separator: bytes = b""
    end: bytes = b""

    def complete(self, rows: Sequence[Row]) -> bytes:
        """Return a complete list."""
        return self.start + self.serialize(rows) + self.end

    async def parts(
        self, first: bytes, batches: AsyncIterator[Sequence[Row]]
    ) -> AsyncIterator[bytes]:
        """Yield a list in parts: rows that are serialized already, then the batches."""
        yield self.start + first
        async for rows in batches:
            yield self.separator + self.serialize(rows)
        yield self.end


def _members(rows: Sequence[Row]) -> bytes:
    return write_json([as_json(row) for row in rows])[1:-1]


_VARY: Header = (b"vary", b"Accept")

JSON = ListFormat(
    "application/json",
    ((b"content-type", b"application/json"), _VARY),
    FIELDS,
    _members,
    start=b"[",
    separator=b",",
    end=b"]",
)
CSV = ListFormat(
    "text/csv",
    (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="executions.csv"'),
        _VARY,
    ),
    COLUMNS,
    csv_lines,
    start=CSV_HEADER,
)
JSON_LINES = ListFormat(
    "application/x-ndjson",
    ((b"content-type", b"application/x-ndjson"), _VARY),
    COLUMNS,
    json_lines,
)
FORMATS = {each.media_type: each for each in (JSON, CSV, JSON_LINES)}
"""All formats by media type; of those that a client likes equally, it gets the first."""

_MEDIA_TYPES = tuple(FORMATS)


def format_for(accept: str | None) -> ListFormat:
    """Return the format that an Accept header prefers; JSON if it accepts none of them."""
    return JSON if accept is None else FORMATS[preferred(accept, _MEDIA_TYPES) or JSON.media_type]
