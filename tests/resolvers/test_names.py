"""A name is found in whichever normal form it is written, and in whichever it is asked for."""

from collections.abc import Callable, Iterator
from typing import Literal
from unicodedata import normalize

import pytest

from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place
from tests.sample import SAMPLE

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")
NAMES = [
    *(normalize(form, name) for form in FORMS for name in ("Café crème", "각 agent")),
    "CAFÉ CRÈME",
    "Cafe creme",
]
QUERY = "query ($filter: ExecutionFilter) { executions(filter: $filter) { nodes { guid } } }"


@pytest.fixture(scope="module")
def gateway(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    place = new_place()
    insert(
        place,
        [
            SAMPLE[0]._replace(
                id=number, guid=f"g-{number}", agentflow_id=f"f-{number}", agentflow_name=name
            )
            for number, name in enumerate(NAMES, 1)
        ],
    )
    with running_gateway(place) as running:
        yield running


def _found(gateway: Gateway, **condition: object) -> set[str]:
    data = gateway.graphql(QUERY, filter={"agentflowName": condition})
    return {NAMES[int(node["guid"][2:]) - 1] for node in data["executions"]["nodes"]}


CAFES = {name for name in NAMES if normalize("NFC", name).casefold().startswith("café")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "condition",
    [
        {"eq": "café CRÈME"},
        {"in": ["nothing", "cafÉ crème"]},
        {"contains": "É"},
        {"startsWith": "cafÉ"},
    ],
    ids=lambda condition: next(iter(condition)),
)
def test_a_name_is_found_in_every_form(
    gateway: Gateway, condition: dict[str, str | list[str]], form: Form
) -> None:
    asked = {
        operator: normalize(form, value)
        if isinstance(value, str)
        else [normalize(form, each) for each in value]
        for operator, value in condition.items()
    }
    assert len(CAFES) == 3
    assert _found(gateway, **asked) == CAFES


@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_found_in_every_form_over_rest(gateway: Gateway, form: Form) -> None:
    asked = {"agentflowName": normalize(form, "fÉ C")}
    found = gateway.http.get("/executions", params=asked).json()
    assert {row["agentflowName"] for row in found} == CAFES


def test_half_a_letter_finds_nothing(gateway: Gateway) -> None:
    assert _found(gateway, contains="cafe") == {"Cafe creme"}
    assert _found(gateway, contains="가") == set()
    assert len(_found(gateway, contains="각")) == 2


@pytest.mark.parametrize("form", FORMS)
def test_where_case_counts_the_form_does_too(gateway: Gateway, form: Form) -> None:
    name = normalize(form, "Café crème")
    assert _found(gateway, eq=name, caseSensitive=True) == {name}
    assert _found(gateway, contains=normalize(form, "é c"), caseSensitive=True) == {name}
