"""The database rejects what could not be read back, whoever writes it."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LARGEST_ID, LONGEST_TEXT_BYTES
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place

INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, ?, ?, 'ERROR', 1)"
)
INSERT_WITH_ID = (
    "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
    " VALUES (?, ?, 'flow', 'ERROR', 1)"
)
INSERT_KEY = "INSERT INTO api_keys (name, hash, scopes, created_on) VALUES (?, ?, ?, ?)"
HASH = "0123456789abcdef" * 4
REFUSALS = (sqlite3.IntegrityError, asyncpg.CheckViolationError)
LONGEST = "é" * (LONGEST_TEXT_BYTES // 2)
BROKEN = {
    "latin-1": b"caf\xe9",
    "half a surrogate pair": b"\xed\xa0\x80",
    "a character cut off": b"\xe6\x97",
    "a byte too many": "é".encode() + b"\x80",
    "written too long": b"\xc1\x81",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "no character's byte": b"\xff",
    "far in": ("日" * 200).encode() + b"\xe9",
}
COLUMNS = [
    ("executions", "guid"),
    ("executions", "agentflow_id"),
    ("executions", "session_id"),
    ("agentflows", "id"),
    ("agentflows", "name"),
    ("api_keys", "name"),
]
every_column = pytest.mark.parametrize(("table", "column"), COLUMNS)


def _insert(place: Place, table: str, column: str, value: object, form: str = "?") -> None:
    """Write one row, with a value in one of its texts."""
    rows: dict[str, dict[str, object]] = {
        "executions": {"guid": "g", "agentflow_id": "f", "state": "ERROR", "created_on": 1},
        "agentflows": {"id": "f"},
        "api_keys": {"name": "n", "hash": HASH, "scopes": "read", "created_on": 1},
    }
    row = {**rows[table], column: value}
    places = ", ".join(form if name == column else "?" for name in row)
    run_sql(place, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


@every_column
def test_a_text_may_be_as_long_as_the_longest(place: Place, table: str, column: str) -> None:
    _insert(place, table, column, LONGEST)
    assert run_sql(place, f"SELECT {column} FROM {table}") == [(LONGEST,)]


@every_column
@pytest.mark.parametrize("text", ["é" + LONGEST, "x" * 1_000_000], ids=["by one", "by far"])
def test_a_longer_text_is_refused(place: Place, table: str, column: str, text: str) -> None:
    with pytest.raises(REFUSALS, match=f"{table}.{column} must be at most 10000 bytes long"):
        _insert(place, table, column, text)
    assert run_sql(place, f"SELECT * FROM {table}") == []


@pytest.mark.sqlite
@every_column
@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_a_text_that_is_no_utf_8_is_refused(
    place: Place, table: str, column: str, raw: bytes
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"^{table}.{column} must be valid UTF-8$"):
        _insert(place, table, column, raw, "CAST(? AS TEXT)")


@pytest.mark.sqlite
@every_column
def test_a_null_character_is_refused(place: Place, table: str, column: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"^{table}.{column} must have no null"):
        _insert(place, table, column, "a\0b")


@pytest.mark.sqlite
def test_sqlite_takes_for_utf_8_exactly_what_is(path: Path) -> None:
    pieces = [
        *[b"a", b"\x7f", "é".encode(), "日".encode(), "🦊".encode(), "\ufffe\uffff\ufffd".encode()],
        *[b"\x80", b"\xbf", b"\xc0", b"\xe9", b"\xed\xa0", b"\xf0\x9f", b"\xf5", b"\xff"],
    ]
    raws = st.binary(max_size=5) | st.lists(st.sampled_from(pieces), max_size=80).map(b"".join)

    @settings(deadline=None, max_examples=examples(300))
    @given(raw=raws.filter(lambda raw: b"\0" not in raw))
    def taken_if_valid(raw: bytes) -> None:
        connection.execute("DELETE FROM agentflows")
        try:
            connection.execute(
                "INSERT INTO agentflows (id, name) VALUES ('f', CAST(? AS TEXT))", [raw]
            )
        except sqlite3.IntegrityError:
            is_taken = False
        else:
            is_taken = True
        assert is_taken == (raw.decode(errors="ignore").encode() == raw)

    connection = sqlite3.connect(path)
    try:
        taken_if_valid()
    finally:
        connection.close()


def test_texts_of_every_script_are_taken(place: Place) -> None:
    texts = [
        "日本" * 100,
        "Отчёт",
        "🦊🏽",
        "e\u0301",
        "\ufeff",
        "\ufffe\uffff",
        "\x01\x7f",
        "a\r\nb",
    ]
    for text in texts:
        run_sql(place, INSERT, text, text, text)
    assert run_sql(place, "SELECT session_id FROM executions ORDER BY id") == [(t,) for t in texts]


@pytest.mark.sqlite
@pytest.mark.parametrize("raw", [*BROKEN.values(), b"a\0b", b"x" * 10_001], ids=repr)
def test_an_update_to_what_an_insert_may_not_write_is_refused(place: Place, raw: bytes) -> None:
    run_sql(place, INSERT, "g", "f", "s")
    for column in ("guid", "agentflow_id", "session_id"):
        with pytest.raises(sqlite3.IntegrityError, match=f"executions.{column} must"):
            run_sql(place, f"UPDATE executions SET {column} = CAST(? AS TEXT)", raw)
    assert run_sql(place, "SELECT guid, agentflow_id, session_id FROM executions") == [
        ("g", "f", "s")
    ]


@pytest.mark.parametrize("number", [LARGEST_ID + 1, 2**63 - 1, -(2**53) - 1, -(2**63)])
def test_an_id_that_no_client_could_read_is_refused(place: Place, number: int) -> None:
    with pytest.raises(REFUSALS, match="id must be from -9007199254740992 to 9007199254740992"):
        run_sql(place, INSERT_WITH_ID, number, "g")
    run_sql(place, INSERT_WITH_ID, 7, "g")
    with pytest.raises(REFUSALS, match="id must be from -9007199254740992"):
        run_sql(place, "UPDATE executions SET id = ?", number)


def test_after_the_largest_id_that_may_be_given_others_follow(place: Place) -> None:
    run_sql(place, INSERT_WITH_ID, LARGEST_ID, "largest")
    run_sql(place, INSERT, "next", "f", None)
    [(number,)] = run_sql(place, "SELECT id FROM executions WHERE guid = 'next'")
    assert number == LARGEST_ID + 1


@pytest.mark.parametrize("scopes", ["read", "update read", "read update delete", ""])
def test_a_key_may_have_any_of_the_scopes(place: Place, scopes: str) -> None:
    run_sql(place, INSERT_KEY, "n", HASH, scopes, 1)


@pytest.mark.parametrize("scopes", ["admin", "read admin", "readupdate", "READ", "read,update"])
def test_a_key_with_an_unknown_scope_is_refused(place: Place, scopes: str) -> None:
    with pytest.raises(REFUSALS, match="scopes must be read, update and delete"):
        run_sql(place, INSERT_KEY, "n", HASH, scopes, 1)


@pytest.mark.parametrize("hashed", ["", "x" * 64, HASH.upper(), HASH + "0", HASH[:-1] + "\n"])
def test_a_key_with_what_is_no_hash_is_refused(place: Place, hashed: str) -> None:
    with pytest.raises(REFUSALS, match="hash must be a SHA-256"):
        run_sql(place, INSERT_KEY, "n", hashed, "read", 1)


@pytest.mark.parametrize("at", [EARLIEST_MS - 1, LATEST_MS + 1])
def test_a_key_with_a_time_that_is_none_is_refused(place: Place, at: int) -> None:
    with pytest.raises(REFUSALS, match="created_on must be epoch milliseconds"):
        run_sql(place, INSERT_KEY, "n", HASH, "read", at)
    run_sql(place, INSERT_KEY, "n", HASH, "read", 1)
    for column in ("expires_on", "last_used_on", "revoked_on"):
        with pytest.raises(REFUSALS, match=f"api_keys.{column} must be epoch milliseconds"):
            run_sql(place, f"UPDATE api_keys SET {column} = ?", at)
