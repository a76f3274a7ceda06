"""Names are compared without regard to case or normal form."""

import sys
from unicodedata import category, normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db.casefolding import fold
from db.database import Database
from db.dialect import Folded, each_of
from db.opening import open_database
from tests.examples import examples
from tests.places import Place

pytestmark = pytest.mark.anyio

# What Python knows nothing of, the server may; surrogates and nulls are never stored.
_UNKNOWN = {"Cn", "Cs", "Co"}
CHARACTERS = [
    chr(number) for number in range(1, sys.maxunicode + 1) if category(chr(number)) not in _UNKNOWN
]
ODD = "aAeEiI\u0131İßẞ\u017fς\u03c3Σΰΐᾳᾼ\u0345ǰŉﬁﬃ가각힣각ꭰ\u13a0ÅÅéÉñ"
ODD += "\u0301\u0308\u0323\u0307\u0345\u05b0\u0f71\u0344 "
TEXTS = st.lists(st.text(st.sampled_from(ODD), max_size=12), max_size=30)


async def _folded(database: Database, texts: list[str]) -> list[str | None]:
    return [row[0] for row in await database.fetch(select(Folded(each_of(tuple(texts)))))]


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "{}\u0323\u0307b",
        pytest.param("a{}\u0301", marks=pytest.mark.load),
        pytest.param("\u0391{}", marks=pytest.mark.load),
    ],
)
async def test_the_database_folds_every_character_as_python_does(
    database: Database, form: str
) -> None:
    texts = [form.format(character) for character in CHARACTERS]
    differing = [
        (text, found)
        for text, found in zip(texts, await _folded(database, texts), strict=True)
        if found != fold(text)
    ]
    assert differing == []


@given(TEXTS)
@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_the_database_folds_every_text_as_python_does(place: Place, texts: list[str]) -> None:
    database = open_database(place.url)
    try:
        assert await _folded(database, texts) == [fold(text) for text in texts]
    finally:
        await database.close()


@given(st.text(st.sampled_from(ODD) | st.characters(exclude_categories=("Cn", "Cs"))))
def test_every_normal_form_and_every_case_of_a_text_are_folded_alike(text: str) -> None:
    folded = fold(text)
    for form in ("NFC", "NFD"):
        assert fold(normalize(form, text)) == folded
    assert fold(text.casefold()) == folded
    assert fold(folded) == folded
    assert normalize("NFD", folded) == normalize("NFD", normalize("NFD", text).casefold())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "CAFE\u0301"),
        ("Straße", "STRASSE"),
        ("ẞ", "ss"),
        ("ΟΔΟΣ", "οδος"),
        ("İ", "i\u0307"),
        ("각", "\u1100\u1161\u11a8"),
        ("a\u0323\u0307", "A\u0307\u0323"),
        ("Å", "\u212b"),
        ("\u03b1\u0345\u0301", "\u1fb4"),
    ],
)
def test_these_are_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("part", "whole"),
    [("cafe", "café"), ("가", "각"), ("i", "\u0131"), ("ﬁ", "fa"), ("\u0301", "é")],
)
def test_these_are_no_part_of_the_others(part: str, whole: str) -> None:
    assert fold(part) not in fold(whole)
