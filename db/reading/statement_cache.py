"""Cache the SQL of statements that read executions, compiled once for each cache key.

A statement's cache key has its columns, its order, its conditions and how many values each of them
compares with. Values travel as bind parameters. Requests use few statements with many different
values, so a request costs a look-up and no work of SQLAlchemy's.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Executable, String, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from db.bounded_store import BoundedStore
from db.columns import NUMBERS
from db.database import Metric
from db.dialect import Exact
from db.reading.paging import Order, Position

_MAX_BYTES = 8 * 1024 * 1024
_USUAL_LENGTH = 8_000
_LEAST_BYTES = 2_000
_NUMBER = BigInteger()
_TEXT = String()
_VALUE = "value_"


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement, and the order of its bind values.

    ``value_indexes`` has, for each parameter of the text, the index of its value; constants, which
    are the same for every request, have negative indexes. ``about`` is what the builder wants to
    know when the statement is used.
    """

    text: str
    value_indexes: tuple[int, ...]
    constants: tuple[Any, ...]
    about: Any = None

    def parameters(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return a request's values in the order of the text's parameters."""
        all_values = [*values, *self.constants]
        return tuple([all_values[index] for index in self.value_indexes])


class BindParameters:
    """Creates the bind parameters of a statement while it is built, one for each value in turn.

    A parameter has the type of the field it is compared with, whatever type the first value has, so
    other requests can reuse the statement.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._count = 0

    def bind(self, field: str) -> ColumnElement[Any]:
        """Create the bind parameter of the next value, which is compared with a field."""
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
        parameter: ColumnElement[Any] = bindparam(f"{_VALUE}{self._count}", type_=type_)
        self._count += 1
        return Exact(parameter) if type_ is _TEXT else parameter


Build = Callable[[BindParameters], Executable]
"""Builds a statement, binding values in their order."""


class StatementCache:
    """Compiles statements for a dialect and keeps the most recently used ones.

    Long statements have a store of their own, so that a client who sends ever more conditions
    doesn't displace the statements of others. Not safe for several threads.
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
        """Return the statement of a cache key, if it is cached."""
        return self._usual.get(cache_key) or self._long.get(cache_key)

    def get(self, cache_key: Hashable, build: Build, about: Any = None) -> Statement:
        """Return the statement of a cache key; ``build`` builds it if need be.

        ``about`` is called when the statement is built, and its result is kept with it.
        """
        return self.find(cache_key) or self.keep(cache_key, self.compile(build, about))

    def keep(self, cache_key: Hashable, statement: Statement) -> Statement:
        """Cache a statement, and return it."""
        length = len(statement.text)
        store = self._usual if length <= _USUAL_LENGTH else self._long
        # The key grows with the text.
        store.put(cache_key, statement, _LEAST_BYTES + 4 * length)
        return statement

    def compile(self, build: Build, about: Any = None) -> Statement:
        """Compile a statement without caching it. Safe to call from any thread."""
        attached = about() if about else None
        return self._compile(build(BindParameters(self._dialect)), attached)

    def metrics(self) -> list[Metric]:
        """Return the use of both stores."""
        return [*self._usual.metrics(), *self._long.metrics()]

    def _compile(self, statement: Executable, about: Any) -> Statement:
        compiled: Any = statement.compile(  # type: ignore[attr-defined]
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        names: list[str] = compiled.positiontup or []
        fixed = [name for name in names if not name.startswith(_VALUE)]
        value_indexes = tuple(
            int(name.removeprefix(_VALUE))
            if name.startswith(_VALUE)
            else fixed.index(name) - len(fixed)
            for name in names
        )
        constants = tuple(compiled.params[name] for name in fixed)
        return Statement(str(compiled), value_indexes, constants, about)


def present(position: Position) -> list[Any]:
    """Return the values of a position that have a bind parameter."""
    return [value for value in position if value is not None]


def nulls_of(position: Position | None) -> Hashable:
    """Return the part of a position that belongs to the cache key: where it is null."""
    return position and tuple(value is None for value in position)
