"""Whatever is asked or changed, the gateway answers what the reference does, byte for byte."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.gateway import insert, running_gateway
from tests.places import Place
from tests.reference.comparing import NO_LIMITS, Comparison
from tests.reference.drawing import DocumentDrawing, Request
from tests.reference.values import Choices, pools_of
from tests.sample import SAMPLE

SDL = Path("schema/schema.graphql").read_text()
EXAMPLES = int(os.environ.get("REFERENCE_EXAMPLES", "300"))
"""How many documents are drawn; each is run four times."""
# What fails is told as it was drawn: to find less that fails too takes minutes.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
settings.register_profile(
    "operations",
    deadline=None,
    phases=[*_PHASES, Phase.shrink] if "REFERENCE_SHRINKS" in os.environ else _PHASES,
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = settings.get_profile("operations")


@pytest.fixture(scope="module")
def comparison(new_place: Callable[[], Place]) -> Iterator[Comparison]:
    place = new_place()
    insert(place, SAMPLE)
    with running_gateway(place, **NO_LIMITS) as gateway:
        yield Comparison(gateway, SDL, SAMPLE)


def _drawn(comparison: Comparison, data: st.DataObject, kind: str) -> list[Request]:
    choices = Choices(lambda low, high: int(data.draw(st.integers(low, high))))
    schema = comparison.reference.schema
    drawing = DocumentDrawing(schema, choices, pools_of(SAMPLE), comparison.cursors)
    return drawing.requests(kind, count=4)


@given(data=st.data())
@settings(OPERATIONS, max_examples=EXAMPLES)
def test_any_query_is_answered_as_the_reference_does(
    comparison: Comparison, data: st.DataObject
) -> None:
    for request in _drawn(comparison, data, "query"):
        comparison.check(request)


@given(data=st.data())
@settings(OPERATIONS, max_examples=EXAMPLES // 3)
def test_any_mutation_changes_and_answers_what_the_reference_does(
    comparison: Comparison, data: st.DataObject
) -> None:
    try:
        for request in _drawn(comparison, data, "mutation"):
            comparison.check(request)
    finally:
        comparison.settle()
