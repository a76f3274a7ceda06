"""How messages show values."""

from collections.abc import Iterator
from typing import Any

import pytest

from db.errors import quote


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        2.5,
        "",
        "it's",
        [],
        {},
        [1, [2, {}]],
        {"a": [None], "b": {"c": "d"}},
        "x" * 98,
    ],
    ids=repr,
)
def test_a_short_value_is_shown_as_it_is(value: object) -> None:
    assert quote(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("x" * 5_000, "… (5,002 characters)"),
        (["x"] * 5_000, "… (5,000 items)"),
        ({str(n): n for n in range(5_000)}, "… (5,000 entries)"),
        (10**200, "… (201 characters)"),
        (["x" * 5_000], "… (1 items)"),
    ],
    ids=["text", "list", "object", "number", "nested"],
)
def test_a_long_value_is_cut_off_and_its_size_said(value: object, end: str) -> None:
    shown = quote(value)
    assert shown.startswith(repr(value)[:90])
    assert shown.endswith(end)
    assert len(shown) < 130


def test_only_the_beginning_of_a_long_value_is_looked_at() -> None:
    class Counted(list[Any]):
        seen = 0

        def __iter__(self) -> Iterator[Any]:
            for item in super().__iter__():
                self.seen += 1
                yield item

    value = Counted(["abc"] * 100_000)
    quote(value)
    assert value.seen < 50


def test_a_value_that_is_nested_deep_is_shown() -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    assert quote(value).startswith("[[[[")
