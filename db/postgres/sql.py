"""How PostgreSQL writes what is written differently from one kind of database to another."""

from typing import Any

from sqlalchemy.ext.compiler import compiles

from db.dialect import EachOf, Folded, Greatest, Least, Listed, OffIndex, PlaceOf

_FORMS = {
    Least: "least({})",
    Greatest: "greatest({})",
    Folded: "gateway_casefold({})",
    PlaceOf: "strpos({})",
    # The planner knows how many rows to expect, and enters a row value at its position.
    OffIndex: "{}",
    EachOf: "json_array_elements_text(CAST({} AS json))",
    Listed: "(SELECT json_array_elements_text(CAST({} AS json)))",
}


def _write(element: Any, compiler: Any, **options: Any) -> str:
    form = _FORMS[type(element)]
    return form.format(compiler.process(element.clauses, **options))


for _element in _FORMS:
    compiles(_element, "postgresql")(_write)
