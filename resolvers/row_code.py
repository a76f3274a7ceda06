"""Python source that builds the objects of a response from rows, compiled once for a selection.

A page is one list comprehension with every object written out in it. Closures would call each other
for each row, which takes about twice as long.
"""

from collections.abc import Callable, Iterable
from typing import Any

MakeObjects = Callable[..., list[Any]]
"""Returns an object for each row; further arguments are lists of extra values for each row."""


class Columns:
    """The columns to read of each row, and their indexes in it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = [*names]

    def index_of(self, name: str) -> int:
        """Return the index of a column, adding it if it is new."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


class RowCode:
    """Builds the expression of an object from ``row`` and extra values.

    The source contains nothing from a client but names of a valid document, which are letters,
    digits and underscores; other values are reached through our own names.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._values: dict[str, Any] = {}
        self._extras: list[str] = []

    def column(self, name: str) -> str:
        """Return the expression of a column of the row."""
        return f"row[{self._columns.index_of(name)}]"

    def call(self, function: Callable[[Any], Any], argument: str) -> str:
        """Return the expression of a function call."""
        name = f"function_{len(self._values)}"
        self._values[name] = function
        return f"{name}({argument})"

    @staticmethod
    def unless_null(value: str, expression: str) -> str:
        """Return the expression of null if a value is null, and else of another expression."""
        return f"(None if {value} is None else {expression})"

    def extra(self) -> str:
        """Return the expression of an extra value, whose list is the next argument to ``make``."""
        name = f"value_{len(self._extras)}"
        self._extras.append(name)
        return name

    @staticmethod
    def item(value: str, index: int) -> str:
        """Return the expression of an item of a value."""
        return f"{value}[{index}]"

    @staticmethod
    def text(value: str) -> str:
        """Return the expression of a text of the schema or the document."""
        return repr(value)

    @staticmethod
    def object(entries: Iterable[tuple[str, str]]) -> str:
        """Return the expression of an object, from expressions by key."""
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in entries) + "}"

    @staticmethod
    def list(items: Iterable[str]) -> str:
        """Return the expression of a list, from expressions."""
        return "[" + ", ".join(items) + "]"

    def make(self, expression: str) -> MakeObjects:
        """Compile the function that evaluates an expression for each row."""
        values = ", ".join(self._extras)
        lists = ", ".join(f"all_{name}" for name in self._extras)
        if self._extras:
            loop = f"lambda rows, {lists}: [{expression} for row, {values} in zip(rows, {lists})]"
        else:
            loop = f"lambda rows: [{expression} for row in rows]"
        names = {"__builtins__": {}, "zip": zip, **self._values}
        make: MakeObjects = eval(loop, names)  # noqa: S307 - see the class on what is in it
        return make
