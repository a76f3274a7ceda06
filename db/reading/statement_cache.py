"""The texts of the statements that read executions, each compiled once.

A statement is told apart by its cache_key: the columns, the order, which conditions there are and
how many values each compares with. The values travel as parameters. Requests ask for few
shapes and many values, so that a request costs a look-up and no work of SQLAlchemy's.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Executable, String, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from db.bounded_store import BoundedStore
from db.database import Metric
from db.dialect import Exact
from db.reading.paging import Order, Position
from db.source import NUMBERS

_MAX_BYTES = 8 * 1024 * 1024
_USUAL_LENGTH = 8_000
_LEAST_BYTES = 2_000
_NUMBER = BigInteger()
_TEXT = String()
_VALUE = "value_"


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled text, and which of the values of a request goes to which of its places.

    Numbers that every request has alike come after the values; their places are counted from
    the end. ``about`` is what whoever built it wants to know when it is used.
    """

    text: str
    places: tuple[int, ...]
    constants: tuple[Any, ...]
    about: Any = None

    def parameters(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The values of a request in the order of the text's places."""
        known = [*values, *self.constants]
        return tuple([known[place] for place in self.places])


class BindParameters:
    """Hands out the places of a statement while it is built, one for each value in turn.

    A place has the type of the field that it is compared with, and never that of a value: what
    the next request sends is bound as this one's is.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._count = 0

    def bind(self, field: str) -> ColumnElement[Any]:
        """Create the bind parameter of the next value, which is one of a field's."""
        return self._bind(_NUMBER if field in NUMBERS else _TEXT)

    def bind_number(self) -> ColumnElement[Any]:
        """Create the bind parameter of the next value, which is a whole number."""
        return self._bind(_NUMBER)

    def bind_position(
        self, order: Order, position: Position
    ) -> tuple[ColumnElement[Any] | None, ...]:
        """Create the bind parameters of a position in an order; a null has none."""
        return tuple(
            None if value is None else self.bind(term.field)
            for term, value in zip(order, position, strict=True)
        )

    def _bind(self, type_: TypeEngine[Any]) -> ColumnElement[Any]:
        place: ColumnElement[Any] = bindparam(f"{_VALUE}{self._count}", type_=type_)
        self._count += 1
        return Exact(place) if type_ is _TEXT else place


Build = Callable[[BindParameters], Executable]
"""Makes a statement, binding the values in their order."""


class StatementCache:
    """Compiles statements for a dialect and keeps those used last, by shapes without values.

    Long ones are kept apart, so that a client who asks with ever more conditions takes no place
    from what everybody asks. For one thread.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._usual: BoundedStore[Hashable, Statement] = BoundedStore(
            "statements", max_bytes=_MAX_BYTES
        )
        self._long: BoundedStore[Hashable, Statement] = BoundedStore(
            "long_statements", max_bytes=_MAX_BYTES
        )

    def find(self, cache_key: Hashable) -> Statement | None:
        """The statement of a cache_key, if it is kept."""
        return self._usual.get(cache_key) or self._long.get(cache_key)

    def get(self, cache_key: Hashable, build: Build, about: Any = None) -> Statement:
        """The statement of a cache_key; ``build`` makes it, binding the values in their order.

        ``about`` is called when it is made, and what it returns is kept with it.
        """
        return self.find(cache_key) or self.keep(cache_key, self.compile(build, about))

    def keep(self, cache_key: Hashable, statement: Statement) -> Statement:
        """Keep a statement, and return it."""
        length = len(statement.text)
        store = self._usual if length <= _USUAL_LENGTH else self._long
        # A cache_key grows with the text.
        store.put(cache_key, statement, _LEAST_BYTES + 4 * length)
        return statement

    def compile(self, build: Build, about: Any = None) -> Statement:
        """Make a statement that is kept nowhere; any thread may."""
        told = about() if about else None
        return self._compile(build(BindParameters(self._dialect)), told)

    def metrics(self) -> list[Metric]:
        """How full the stores are."""
        return [*self._usual.metrics(), *self._long.metrics()]

    def _compile(self, statement: Executable, about: Any) -> Statement:
        compiled: Any = statement.compile(  # type: ignore[attr-defined]
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        names: list[str] = compiled.positiontup or []
        fixed = [name for name in names if not name.startswith(_VALUE)]
        places = tuple(
            int(name.removeprefix(_VALUE))
            if name.startswith(_VALUE)
            else fixed.index(name) - len(fixed)
            for name in names
        )
        constants = tuple(compiled.params[name] for name in fixed)
        return Statement(str(compiled), places, constants, about)


def present(position: Position) -> list[Any]:
    """The values of a position that have a place in a statement."""
    return [value for value in position if value is not None]


def nulls_of(position: Position | None) -> Hashable:
    """What of a position makes its statement: whether there is one, and where it is null."""
    return position and tuple(value is None for value in position)
