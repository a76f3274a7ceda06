"""Read rows from CSV (RFC 4180), in the variants that spreadsheets and databases write."""

import csv
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from db.errors import InvalidInput, quote

_T = TypeVar("_T")

Columns = Mapping[str, tuple[str, ...]]
"""Each column with the titles it may have."""

_SEPARATORS = ",;\t|"
# Excel names an unusual separator in the first line.
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
    convert_exported: Callable[[Mapping[str, str]], _T],
    exported: Sequence[str],
) -> Iterator[_T]:
    """Yield ``convert`` of each row below the line of titles, as a mapping from column to value.

    If the titles begin with ``exported``, in this order, ``convert_exported`` is used instead.

    The separator is the comma, semicolon, tab or bar that yields the most known titles. Empty rows
    are skipped. Raises InvalidInput that names the file and the line.
    """
    # A column that is ignored may hold whole documents; the limit catches a quotation mark that is
    # never closed.
    csv.field_size_limit(_LONGEST_FIELD)
    titles = {title for spellings in columns.values() for title in spellings}
    lines, separator, before = _detect_separator(lines, titles)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    read: Callable[[Sequence[str]], _T] | None = None
    line = before = skipped + before + 1
    try:
        for record in reader:
            if any(record):
                if read is None:
                    header = [title.strip() for title in record]
                    is_exported = header[: len(exported)] == list(exported)
                    read = _row_reader(
                        header, columns, required, convert_exported if is_exported else convert
                    )
                else:
                    yield read(record)
            line = before + reader.line_num
    except (ValueError, csv.Error) as error:
        reason = _TOO_LONG if "larger than field limit" in str(error) else error
        raise InvalidInput(f"{name}, line {line}: {reason}") from None
    if read is None:
        raise InvalidInput(f"{name} is empty; it must begin with a line of column names")


def _detect_separator(
    lines: Iterator[str], titles: Collection[str]
) -> tuple[Iterator[str], str, int]:
    """Return the lines from the titles on, their separator, and the number of lines skipped."""
    before = 0
    for line in lines:
        if named := _SEPARATOR_LINE.fullmatch(line):
            return lines, named[1], before + 1
        if line.strip():
            found = {each: _count_titles(line, each, titles) for each in _SEPARATORS}
            # ``max`` takes the first of several with the same count.
            return itertools.chain([line], lines), max(_SEPARATORS, key=found.__getitem__), before
        before += 1
    return iter(()), ",", before


def _count_titles(line: str, separator: str, titles: Collection[str]) -> int:
    return sum(part.strip(" \t\r\n\"'") in titles for part in line.split(separator))


def _row_reader(
    header: list[str],
    columns: Columns,
    required: Collection[str],
    convert: Callable[[Mapping[str, str]], _T],
) -> Callable[[Sequence[str]], _T]:
    indexes = {}
    for column, titles in columns.items():
        found = [index for index, title in enumerate(header) if title in titles]
        if len(found) > 1:
            raise ValueError(f"column {column} appears {len(found)} times")
        if found:
            indexes[column] = found[0]
        elif column in required:
            raise ValueError(f"column {column} is missing; found {quote(', '.join(header))}")
    width = len(header)

    def read(record: Sequence[str]) -> _T:
        if len(record) != width:
            raise ValueError(f"it has {len(record)} values for {width} columns")
        return convert({column: record[index] for column, index in indexes.items()})

    return read
