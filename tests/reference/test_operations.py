"""Whatever is asked or changed, the gateway answers what the reference does, byte for byte."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.gateway import running_gateway
from tests.places import Place
from tests.reference.comparing import NO_LIMITS, Comparison
from tests.reference.drawing import DocumentDrawing
from tests.reference.request import Request
from tests.reference.rows import BROKEN, LATELY, VALID, allow_anything, fill
from tests.reference.transports import Transports, transports_of
from tests.reference.values import Choices

SDL = Path("schema/schema.graphql").read_text()
DOCUMENTS = 600
"""How many documents are drawn at most; each is run four times."""
# What fails is told as it was drawn: to find less that fails too takes minutes.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
OPERATIONS = settings(
    deadline=None,
    phases=[*_PHASES, Phase.shrink] if "REFERENCE_SHRINKS" in os.environ else _PHASES,
    suppress_health_check=list(HealthCheck),
)


_ROWS = {"valid": VALID, "lately": LATELY, "broken": BROKEN}


@pytest.fixture(
    scope="module",
    params=["valid", "lately", pytest.param("broken", marks=pytest.mark.sqlite)],
)
def comparison(
    request: pytest.FixtureRequest, new_place: Callable[[], Place]
) -> Iterator[Comparison]:
    place = new_place()
    rows = _ROWS[request.param]
    if rows is BROKEN:
        allow_anything(place)
    fill(place, rows)
    with running_gateway(place, **NO_LIMITS) as gateway:
        yield Comparison(gateway, SDL, rows)


@pytest.fixture(scope="module")
def transports(comparison: Comparison) -> Iterator[Transports]:
    with transports_of(comparison.gateway) as opened:
        yield opened


def _drawn(comparison: Comparison, data: st.DataObject, kind: str, count: int = 4) -> list[Request]:
    choices = Choices(lambda low, high: int(data.draw(st.integers(low, high))))
    schema = comparison.reference.schema
    drawing = DocumentDrawing(schema, choices, comparison.pools, comparison.cursors)
    return drawing.requests(kind, count)


@given(data=st.data())
@settings(OPERATIONS, max_examples=examples(DOCUMENTS))
def test_any_query_is_answered_as_the_reference_does(
    comparison: Comparison, data: st.DataObject
) -> None:
    for request in _drawn(comparison, data, "query"):
        comparison.check(request)


@given(data=st.data())
@settings(OPERATIONS, max_examples=examples(DOCUMENTS // 3))
def test_any_mutation_changes_and_answers_what_the_reference_does(
    comparison: Comparison, data: st.DataObject
) -> None:
    try:
        for kind in ("mutation", "query", "mutation", "query"):
            for request in _drawn(comparison, data, kind, 2):
                comparison.check(request)
    finally:
        comparison.restore()


@given(data=st.data())
@settings(OPERATIONS, max_examples=examples(DOCUMENTS // 6))
def test_any_query_is_answered_alike_by_every_transport(
    comparison: Comparison, transports: Transports, data: st.DataObject
) -> None:
    ways = (
        transports.by_get,
        transports.in_batch,
        transports.as_event,
        transports.by_socket,
    )
    for request, send in zip(_drawn(comparison, data, "query"), ways, strict=True):
        comparison.check(request, send)
