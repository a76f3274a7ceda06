"""Reading the rows of CSV (RFC 4180), as the programs that people have write it."""

import csv
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from db.errors import InvalidInput, quote

_T = TypeVar("_T")

Columns = Mapping[str, tuple[str, ...]]
"""Columns and the titles that each may have."""

_SEPARATORS = ",;\t|"
# Excel says so in the first line when the separator is not what a reader would expect.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')
_LONGEST_FIELD = 1 << 27
_TOO_LONG = "a value has more than 128 MiB; a quotation mark may never be closed"


def read_csv(
    name: str,
    lines: Iterator[str],
    skipped: int,
    columns: Columns,
    required: Collection[str],
    convert: Callable[[Mapping[str, str]], _T],
) -> Iterator[_T]:
    """Convert each row of values by column, after a line of column titles.

    Values are separated by commas, semicolons, tabs or bars, whichever gives the most titles that
    are known. Rows with nothing in them are passed over. Raises InvalidInput that names the file
    and the line.
    """
    # A column that is not read may hold whole documents; the bound is there for a quotation mark
    # that is never closed.
    csv.field_size_limit(_LONGEST_FIELD)
    titles = {title for spellings in columns.values() for title in spellings}
    lines, separator, before = _separated(lines, titles)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    read: Callable[[Sequence[str]], _T] | None = None
    line = before = skipped + before + 1
    try:
        for record in reader:
            if any(record):
                if read is None:
                    read = _reader_of(
                        [title.strip() for title in record], columns, required, convert
                    )
                else:
                    yield read(record)
            line = before + reader.line_num
    except (ValueError, csv.Error) as error:
        reason = _TOO_LONG if "larger than field limit" in str(error) else error
        raise InvalidInput(f"{name}, line {line}: {reason}") from None
    if read is None:
        raise InvalidInput(f"{name} is empty; it must begin with a line of column names")


def _separated(lines: Iterator[str], titles: Collection[str]) -> tuple[Iterator[str], str, int]:
    """The lines from the titles on, what separates their values, and how many were passed over."""
    before = 0
    for line in lines:
        if said := _SEPARATOR_LINE.fullmatch(line):
            return lines, said[1], before + 1
        if line.strip():
            found = {each: _known_in(line, each, titles) for each in _SEPARATORS}
            # The first of those that are equal.
            return itertools.chain([line], lines), max(_SEPARATORS, key=found.__getitem__), before
        before += 1
    return iter(()), ",", before


def _known_in(line: str, separator: str, titles: Collection[str]) -> int:
    return sum(part.strip(" \t\r\n\"'") in titles for part in line.split(separator))


def _reader_of(
    header: list[str],
    columns: Columns,
    required: Collection[str],
    convert: Callable[[Mapping[str, str]], _T],
) -> Callable[[Sequence[str]], _T]:
    places = {}
    for column, titles in columns.items():
        found = [place for place, title in enumerate(header) if title in titles]
        if len(found) > 1:
            raise ValueError(f"column {column} is there {len(found)} times")
        if found:
            places[column] = found[0]
        elif column in required:
            raise ValueError(f"column {column} is missing; found {quote(', '.join(header))}")
    width = len(header)

    def read(record: Sequence[str]) -> _T:
        if len(record) != width:
            raise ValueError(f"it has {len(record)} values for {width} columns")
        return convert({column: record[place] for column, place in places.items()})

    return read
