"""Python source that makes objects of an answer from rows, compiled once for a selection.

A page is one list comprehension with every object written out in it. Functions that are put
together for a selection call each other for each row, which takes about twice as long.
"""

from collections.abc import Callable, Iterable
from typing import Any

MakeObjects = Callable[..., list[Any]]
"""Makes an object from each row; lists of what stands beside the rows are further arguments."""


class Columns:
    """The fields that are read of each row, and their places in it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = [*names]

    def place(self, name: str) -> int:
        """The place of a field, which is read from now on if it was not before."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


class RowCode:
    """Builds the expression of an object, in terms of ``row`` and of values beside it.

    Nothing that a client sends becomes source but the names of a valid document, which are
    letters, digits and underscores; other values are reached by names of ours.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._values: dict[str, Any] = {}
        self._beside: list[str] = []

    def column(self, name: str) -> str:
        """The expression of a field of the row."""
        return f"row[{self._columns.place(name)}]"

    def call(self, function: Callable[[Any], Any], argument: str) -> str:
        """The expression of a function's result."""
        name = f"function_{len(self._values)}"
        self._values[name] = function
        return f"{name}({argument})"

    def beside(self) -> str:
        """The expression of a value beside the row: its list is the next argument to ``make``."""
        name = f"value_{len(self._beside)}"
        self._beside.append(name)
        return name

    @staticmethod
    def text(value: str) -> str:
        """The expression of a text of the schema or the document."""
        return repr(value)

    @staticmethod
    def object(entries: Iterable[tuple[str, str]]) -> str:
        """The expression of an object, whose entries are expressions by their names."""
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in entries) + "}"

    def make(self, expression: str) -> MakeObjects:
        """Compile the function that makes the value of an expression for each row."""
        values = ", ".join(self._beside)
        lists = ", ".join(f"all_{name}" for name in self._beside)
        if self._beside:
            loop = f"lambda rows, {lists}: [{expression} for row, {values} in zip(rows, {lists})]"
        else:
            loop = f"lambda rows: [{expression} for row in rows]"
        names = {"__builtins__": {}, "zip": zip, **self._values}
        make: MakeObjects = eval(loop, names)  # noqa: S307 - see the class on what is in it
        return make
