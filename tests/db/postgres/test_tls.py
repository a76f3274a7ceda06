"""Connections are encrypted, and the server's name is verified, as the URL requires."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text

from db.errors import ServiceUnavailable
from db.opening import open_database
from tests.places import PostgresPlace
from tests.poolers import MISSING, NEEDED, pooled

# The wheel's own server was built without TLS; a pooler speaks it as PostgreSQL does.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.postgres,
    pytest.mark.skipif(MISSING and not os.environ.get("REQUIRE_PGBOUNCER"), reason=NEEDED),
    pytest.mark.skipif(
        "GATEWAY_TEST_POSTGRES_URL" in os.environ,
        reason="the pooler stands before a server of the test run's own",
    ),
]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def url(place: PostgresPlace, authority: trustme.CA) -> Iterator[str]:
    """A server that accepts only encrypted connections, with a certificate for localhost."""
    certificate = authority.issue_cert("localhost")
    files = {
        "client_tls_cert_file": certificate.cert_chain_pems[0].bytes(),
        "client_tls_key_file": certificate.private_key_pem.bytes(),
    }
    with pooled(place, **files) as reached:
        yield f"{reached.url.replace('127.0.0.1', 'localhost')}?statement_cache_size=0"


@pytest.fixture
def root(authority: trustme.CA, tmp_path: Path) -> Path:
    """The certificate of the authority that signed the server's."""
    file = tmp_path / "root.crt"
    authority.cert_pem.write_to_path(file)
    return file


async def _answers(url: str) -> bool:
    """Whether reads are answered, and what goes over the connections for what is rare."""
    database = open_database(url)
    try:
        await database.ping()
        return (await database.fetch(text("SELECT 1"))) == [(1,)]
    finally:
        await database.close()


async def test_a_connection_is_encrypted_and_its_server_checked(url: str, root: Path) -> None:
    assert await _answers(f"{url}&sslmode=verify-full&sslrootcert={root}")


async def test_encryption_can_be_had_without_a_check(url: str) -> None:
    assert await _answers(f"{url}&sslmode=require")


async def test_a_server_of_another_name_is_not_trusted(url: str, root: Path) -> None:
    other = url.replace("localhost", "127.0.0.1")
    with pytest.raises(ServiceUnavailable):
        await _answers(f"{other}&sslmode=verify-full&sslrootcert={root}")


async def test_a_server_that_nobody_known_vouches_for_is_not_trusted(
    url: str, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.crt"
    trustme.CA().cert_pem.write_to_path(stranger)
    with pytest.raises(ServiceUnavailable):
        await _answers(f"{url}&sslmode=verify-full&sslrootcert={stranger}")


async def test_a_server_that_wants_encryption_is_not_reached_without(url: str) -> None:
    with pytest.raises(ServiceUnavailable):
        await _answers(f"{url}&sslmode=disable")
