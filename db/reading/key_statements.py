"""The statements that find the first rows of many keys: of many agentflows, or of many sessions.

Each key's rows are read in order from an index, and no more of them than a page has. If the filter
or the order needs it, so are the rows of each key in each state.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select, true

from db.dialect import each_listed, each_of, has_lateral, off_index
from db.models import ExecutionState
from db.reading.counts import is_on_dimensions
from db.reading.filters import Condition, Filter, conjuncts
from db.reading.page_statements import PageStatement
from db.reading.paging import order_by
from db.reading.row_query import RowQuery
from db.reading.statement_cache import BindParameters
from db.reading.states import uses_state
from db.source import ExecutionSource


class KeyForm(NamedTuple):
    """The form of the statement for a query of the rows of keys.

    ``by`` is the field that has the keys, and ``parameters`` is how many parameters list them.
    """

    by: str
    parameters: int
    by_state: bool


def form_of(query: RowQuery, by: str, parameters: int) -> KeyForm:
    """Return the form of the statement for a query."""
    by_state = by == "agentflow_id" and (
        any(term.field == "state" for term in query.order)
        or any(
            is_on_dimensions(part) and uses_state(part) and not _is_one_state(part)
            for part in conjuncts(query.filter)
        )
    )
    return KeyForm(by, parameters, by_state)


def _is_one_state(part: Filter) -> bool:
    return isinstance(part, Condition) and part.operator == "eq"


class _Keys:
    """Keys as rows of a statement, each with each state if the form is by state."""

    def __init__(self, form: KeyForm, parameters: BindParameters, source: ExecutionSource) -> None:
        self._form = form
        keys = each_listed(tuple(parameters.bind(form.by) for _ in range(form.parameters)))
        columns: list[ColumnElement[Any]] = [keys.c.value.label(source.column(form.by).name)]
        self.fields: tuple[str, ...] = (form.by,)
        if form.by_state:
            columns.append(each_of(tuple(ExecutionState)).label(source.state.name))
            self.fields = (form.by, "state")
        self.table = select(*columns).select_from(keys).subquery("keys")
        self.source = source.moved_to(self.table)

    @property
    def key(self) -> ColumnElement[Any]:
        return self.source.column(self._form.by)

    def same(self, each: ExecutionSource) -> list[ColumnElement[bool]]:
        """Return the conditions that select the rows of a key."""
        return [each.column(field) == self.source.column(field) for field in self.fields]

    def fixed_in(self, source: ExecutionSource) -> ExecutionSource:
        """Return a source with the columns of the key for those that are fixed by it."""
        fixed: dict[str, Any] = {field: self.source.column(field) for field in self.fields}
        return replace(source, **fixed)

    def decide(self, part: Filter) -> bool:
        """Whether a part of the filter is about keys alone, so that no row need be read for it."""
        return (
            self._form.by == "agentflow_id"
            and is_on_dimensions(part)
            and (self._form.by_state or not uses_state(part))
        )


def first_of_each(
    query: RowQuery, form: KeyForm, parameters: BindParameters, source: ExecutionSource
) -> Select[Any]:
    """Read the first rows of each key, or of each key in each state.

    They have the key behind the fields of the query. All together are in its order.
    """
    keys = _Keys(form, parameters, source)
    bound = PageStatement(query, parameters)
    each = source.moved_to(source.table.alias("each"))
    conditions = keys.same(each)
    conditions += bound.where(keys.fixed_in(each), lambda part: not keys.decide(part))
    if has_lateral(parameters.dialect):
        terms = [each.column(term.field).label(f"order_{term.field}") for term in query.order]
        columns = [*bound.columns(each), *terms]
        firsts = bound.in_order(columns, conditions, bound.limit, each, keys).lateral("firsts")
        found = select(*list(firsts.c)[: len(query.fields)], keys.key)
        found = found.select_from(keys.table).join(firsts, true())
        ordered: Any = {term.field: firsts.c[f"order_{term.field}"] for term in query.order}
    else:
        firsts = bound.in_order([each.id], conditions, bound.limit, each, keys)
        found = select(*bound.columns(source), keys.key)
        found = found.select_from(keys.table).join(source.table, source.id.in_(firsts))
        ordered = {term.field: off_index(source.column(term.field)) for term in query.order}
    found = found.where(*bound.where(keys.source, keys.decide, with_range=True))
    return found.order_by(*order_by(query.order, replace(source, **ordered)))
