"""URLs of databases: which are served, however they are written, and which are refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from db.errors import InvalidInput
from db.opening import normalize_url
from server.cli.main import cli
from tests.gateway import run_sql

pytestmark = pytest.mark.usefixtures("folder")


def _migrate(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["migrate", *arguments], env=environment)


@pytest.mark.parametrize(
    "scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"], ids=lambda scheme: f"{scheme}:"
)
@pytest.mark.parametrize("place", ["runs.db", "with a space.db", "été.db", "deep/down.db"])
def test_a_file_is_found_whichever_way_its_url_is_written(
    folder: Path, scheme: str, place: str
) -> None:
    (folder / "deep").mkdir()
    assert _migrate("--database", f"{scheme}:///{place}").exit_code == 0
    assert run_sql(folder / place, "SELECT count(*) FROM executions") == [(0,)]


def test_four_slashes_begin_at_the_root(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "runs.db"
    assert _migrate("--database", f"sqlite:///{elsewhere}").exit_code == 0
    assert run_sql(elsewhere, "SELECT count(*) FROM executions") == [(0,)]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "executions.db",
        "sqlite",
        "sqlite:executions.db",
        "oracle://server/runs",
        "mysql+pymysql://server:3306/runs",
        "postgresql://server:port/runs",
    ],
)
def test_what_is_no_url_of_a_served_database_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"^database must be .*sqlite:///executions\.db or .*; got "
    ):
        normalize_url(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_is_served_through_its_asynchronous_driver(scheme: str) -> None:
    url = normalize_url(f"{scheme}://someone:secret@server:5433/runs?sslmode=require")
    shown = url.render_as_string(hide_password=False)
    assert shown == "postgresql+asyncpg://someone:secret@server:5433/runs?sslmode=require"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"],
)
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"^database must be a file, because .*; got "):
        normalize_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://someone:hunter2@server:3306/runs",
        "postgresql://someone:hunter2@server:port/runs",
    ],
)
def test_a_refusal_keeps_the_password_to_itself(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        normalize_url(url)
    assert "hunter2" not in refused.value.message


REPLICAS = [
    ("sqlite:///executions.db", "postgresql://replica/executions", "no replica"),
    ("postgresql://primary/executions", "sqlite:///executions.db", "a replica of PostgreSQL"),
    ("postgresql://primary/executions", "mysql://replica/executions", "must be a URL such as"),
]


@pytest.mark.parametrize(("url", "read_url", "said"), REPLICAS)
def test_only_postgresql_has_a_replica(url: str, read_url: str, said: str) -> None:
    result = _migrate("--database", url, GATEWAY_READ_DATABASE_URL=read_url)
    assert isinstance(result.exception, InvalidInput)
    assert said in result.exception.message
