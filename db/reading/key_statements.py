"""The statements that find the first rows of many keys: of many agentflows, or of many sessions.

Where an index has each key's rows in order, no more of them are read than a page has. If the filter
or the order needs it, so are the rows of each key in each state.

Where none does, a bounded number of rows is read first: of each key, or of all executions in the
order. Only the pages of keys for which these are not enough are then found at any cost.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, func, select, true

from db.columns import RANGED
from db.dialect import among_listed, each_listed, each_of, has_lateral, off_index
from db.models import ExecutionState
from db.reading import row_query
from db.reading.counts import is_on_dimensions
from db.reading.filters import Condition, Filter, conjuncts
from db.reading.index_choice import is_of_errors
from db.reading.page_statements import PageStatement
from db.reading.paging import order_by
from db.reading.row_query import RowQuery, is_about, is_named
from db.reading.statement_cache import BindParameters
from db.reading.states import uses_state
from db.reading.workspaces import is_of_workspace
from db.source import ExecutionSource

_SCANNED = 20_000
"""How many executions a scan of the order reads at most, for any number of keys."""


class KeyPath(enum.Enum):
    """How to find the first rows of keys."""

    FIRSTS = "the first rows of each key in an index, and in each state if need be"
    WALK = "the next rows of each key in the order, of which those that match are taken"
    SCAN = "the next rows of all executions in the order"
    RANKED = "all rows that match, found by the filter's own conditions"


class KeyForm(NamedTuple):
    """The form of a statement for the rows of keys, which the field ``by`` has."""

    by: str
    path: KeyPath
    by_state: bool

    @property
    def is_bounded(self) -> bool:
        """Whether it may not find all rows; it then says so."""
        return self.path in (KeyPath.WALK, KeyPath.SCAN)

    def depth(self, query: RowQuery, keys: int) -> int:
        """Return how many executions a bounded form reads: of each key, or in all."""
        of_each = row_query.SCAN_PER_ROW * query.wanted
        if self.path is KeyPath.WALK:
            return max(row_query.SCAN_AT_LEAST // keys, of_each, 1)
        return min(max(row_query.SCAN_AT_LEAST, of_each * keys), _SCANNED)


def forms_of(query: RowQuery, by: str) -> tuple[KeyForm, KeyForm]:
    """Return the form of a query's statement, and of the one for keys of which it finds too few."""
    parts = conjuncts(query.filter)
    in_states = any(term.field == "state" for term in query.order) or any(
        is_on_dimensions(part) and uses_state(part) and not _is_one_state(part) for part in parts
    )

    def form(path: KeyPath) -> KeyForm:
        by_state = by == "agentflow_id" and path is KeyPath.FIRSTS and in_states
        return KeyForm(by, path, by_state)

    if by == "session_id":
        # Sessions are short.
        return form(KeyPath.FIRSTS), form(KeyPath.FIRSTS)
    if any(is_named(part, ("guid", "session_id")) for part in parts):
        return form(KeyPath.RANKED), form(KeyPath.RANKED)
    is_served = all(map(_is_served, parts))
    if any(map(is_of_workspace, parts)) and any(map(uses_state, parts)):
        is_served = False
    if is_served and _leads(query, (by, "state")):
        return form(KeyPath.FIRSTS), form(KeyPath.FIRSTS)
    has_index = any(is_about(part, RANGED) or is_of_errors(part) for part in parts)
    rest = KeyPath.RANKED if has_index else KeyPath.FIRSTS
    return form(KeyPath.WALK if _leads(query, (by,)) else KeyPath.SCAN), form(rest)


def _is_served(part: Filter) -> bool:
    """Whether an index has what passes a part of the filter, for an agentflow."""
    return is_on_dimensions(part) or is_about(part, ("created_on",)) or is_of_workspace(part)


def _is_one_state(part: Filter) -> bool:
    return isinstance(part, Condition) and part.operator == "eq"


def _leads(query: RowQuery, fixed: tuple[str, ...]) -> bool:
    """Whether the time of creation leads the order of rows that share some fields."""
    return next(term.field for term in query.order if term.field not in fixed) == "created_on"


class _Keys:
    """Keys as rows of a statement, each with each state if the form is by state."""

    def __init__(
        self, form: KeyForm, count: int, parameters: BindParameters, source: ExecutionSource
    ) -> None:
        self._form = form
        self.by = form.by
        self.listed = tuple(parameters.bind(form.by) for _ in range(count))
        keys = each_listed(self.listed)
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
        if self.by == "session_id":
            # A session has few rows, and a workspace many.
            source = source.off_index("workspace_id")
        return replace(source, **fixed)

    def decide(self, part: Filter) -> bool:
        """Whether a part of the filter is about keys alone, so that no row need be read for it."""
        return (
            self._form.by == "agentflow_id"
            and is_on_dimensions(part)
            and (self._form.by_state or not uses_state(part))
        )


def rows_of_keys(
    query: RowQuery,
    form: KeyForm,
    count: int,
    parameters: BindParameters,
    source: ExecutionSource,
) -> Select[Any]:
    """Read the first rows of each key, all together in the order.

    ``count`` parameters list the keys. Rows have the key behind the fields of the query. Those of a
    bounded form also have whether the key may have more, and then the row's id, which is null for a
    key without rows. Binds the keys, the form's depth, and then the query's values.
    """
    keys = _Keys(form, count, parameters, source)
    depth = parameters.bind_number()
    bound = PageStatement(query, parameters)
    return _FORMS[form.path](keys, depth, bound, source)


def _first_of_each(
    keys: _Keys, _depth: ColumnElement[Any], bound: PageStatement, source: ExecutionSource
) -> Select[Any]:
    each = source.moved_to(source.table.alias("each"))
    conditions = keys.same(each)
    conditions += bound.where(keys.fixed_in(each), lambda part: not keys.decide(part))
    if has_lateral(bound.parameters.dialect):
        columns = [*bound.columns(each), *_terms(bound, each)]
        firsts = bound.in_order(columns, conditions, bound.limit, each, keys).lateral("firsts")
        found = select(*_fields(bound, firsts), keys.key)
        found = found.select_from(keys.table).join(firsts, true())
        ordered = _ordered(bound, firsts)
    else:
        firsts = bound.in_order([each.id], conditions, bound.limit, each, keys)
        found = select(*bound.columns(source), keys.key)
        found = found.select_from(keys.table).join(source.table, source.id.in_(firsts))
        ordered = _off_index(bound, source)
    found = found.where(*bound.where(keys.source, keys.decide, with_range=True))
    return found.order_by(*order_by(bound.query.order, ordered))


def _walk(
    keys: _Keys, depth: ColumnElement[Any], bound: PageStatement, source: ExecutionSource
) -> Select[Any]:
    each = source.moved_to(source.table.alias("each"))
    passed = bound.in_order(list(each.table.c), keys.same(each), depth, each, keys)
    passed = passed.subquery("passed")
    among = each.moved_to(passed)
    matching = bound.where(among, lambda part: not keys.decide(part))
    further = bound.in_order([each.id], keys.same(each), depth + 1, each, keys).subquery("further")
    has_more = select(further.c.id).offset(depth).limit(1).scalar_subquery().is_not(None)
    if has_lateral(bound.parameters.dialect):
        firsts = (
            select(*bound.columns(among), *_terms(bound, among), among.id.label("found"))
            .where(*matching)
            .order_by(*order_by(bound.query.order, among))
            .limit(bound.limit)
            .lateral("firsts")
        )
        found = select(*_fields(bound, firsts), keys.key, has_more, firsts.c.found)
        found = found.select_from(keys.table).outerjoin(firsts, true())
        ordered = _ordered(bound, firsts)
    else:
        ids = select(among.id).where(*matching).limit(bound.limit)
        found = select(*bound.columns(source), keys.key, has_more, source.id)
        found = found.select_from(keys.table).outerjoin(source.table, source.id.in_(ids))
        ordered = _off_index(bound, source)
    found = found.where(*bound.where(keys.source, keys.decide, with_range=True))
    return found.order_by(*order_by(bound.query.order, ordered))


def _scan(
    keys: _Keys, depth: ColumnElement[Any], bound: PageStatement, source: ExecutionSource
) -> Select[Any]:
    passed = bound.in_order(list(source.table.c), [], depth, source).subquery("passed")
    further = bound.in_order([source.id], [], depth + 1, source).subquery("further")
    has_more = select(further.c.id).offset(depth).limit(1).scalar_subquery().is_not(None)
    ranked = _ranks(keys, bound, source.moved_to(passed), [])
    is_first = and_(ranked.c.key == keys.key, ranked.c.rank <= bound.limit)
    found = select(*_fields(bound, ranked), keys.key, has_more, ranked.c.found)
    found = found.select_from(keys.table).outerjoin(ranked, is_first)
    return found.order_by(*order_by(bound.query.order, _ordered(bound, ranked)))


def _ranked(
    keys: _Keys, _depth: ColumnElement[Any], bound: PageStatement, source: ExecutionSource
) -> Select[Any]:
    off_index = source.off_index(keys.by)
    ranked = _ranks(keys, bound, off_index, bound.range.whole(off_index))
    found = select(*_fields(bound, ranked), ranked.c.key).where(ranked.c.rank <= bound.limit)
    return found.order_by(*order_by(bound.query.order, _ordered(bound, ranked)))


def _ranks(
    keys: _Keys,
    bound: PageStatement,
    source: ExecutionSource,
    conditions: list[ColumnElement[bool]],
) -> Subquery:
    """Select the matching rows of keys, each with its rank among those of its key."""
    key = source.column(keys.by)
    order = order_by(bound.query.order, source)
    rank = func.row_number().over(partition_by=key, order_by=order)
    columns = [*bound.columns(source), *_terms(bound, source), key.label("key")]
    found = select(*columns, source.id.label("found"), rank.label("rank"))
    found = found.select_from(source.table).where(among_listed(key, keys.listed))
    return found.where(*bound.where(source), *conditions).subquery("ranked")


_FORMS: Mapping[KeyPath, Callable[..., Select[Any]]] = {
    KeyPath.FIRSTS: _first_of_each,
    KeyPath.WALK: _walk,
    KeyPath.SCAN: _scan,
    KeyPath.RANKED: _ranked,
}


def _terms(bound: PageStatement, source: ExecutionSource) -> list[ColumnElement[Any]]:
    """Return the columns of the order, for a statement around this one."""
    return [source.column(term.field).label(f"order_{term.field}") for term in bound.query.order]


def _fields(bound: PageStatement, inner: FromClause) -> Sequence[ColumnElement[Any]]:
    return list(inner.c)[: len(bound.query.fields)]


class _Ordered:
    """The columns of an order."""

    def __init__(self, columns: Mapping[str, ColumnElement[Any]]) -> None:
        self._columns = columns

    def column(self, field: str) -> ColumnElement[Any]:
        return self._columns[field]


def _ordered(bound: PageStatement, inner: FromClause) -> _Ordered:
    return _Ordered({term.field: inner.c[f"order_{term.field}"] for term in bound.query.order})


def _off_index(bound: PageStatement, source: ExecutionSource) -> _Ordered:
    """Return the columns of the order, by which the planner should not read executions."""
    return _Ordered(
        {term.field: off_index(source.column(term.field)) for term in bound.query.order}
    )
