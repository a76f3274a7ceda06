"""Each error that a client can see has a status and a code, in one table."""

import re

import pytest

import app  # noqa: F401 - every class of errors is there once all of it is imported
from db.errors import GatewayError
from server.cli import main  # noqa: F401 - the same
from server.http import errors


def _kinds(kind: type[GatewayError]) -> list[type[GatewayError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in _kinds(each))]


TABLE = {
    name: (int(status), code)
    for name, status, code in re.findall(
        r"[─] (\w+) +(\d{3})  ([A-Z_]+)$", str(errors.__doc__), re.MULTILINE
    )
}
KINDS = [kind for kind in _kinds(GatewayError) if hasattr(kind, "code")]


def test_the_table_is_read() -> None:
    assert len(TABLE) == 8


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_has_the_status_and_the_code_of_the_table(kind: type[GatewayError]) -> None:
    listed = [each.__name__ for each in kind.__mro__ if each.__name__ in TABLE]
    expected = TABLE[listed[0]] if listed else (400, kind.code)
    assert (errors.status_of(kind.__new__(kind)), kind.code) == expected
