"""Settings: their names and sources, and the messages for invalid ones."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from server.cli.main import cli
from server.operation.settings import Settings

README = Path(__file__).parents[3] / "README.md"
DEFAULT_URL = "sqlite+aiosqlite:///executions.db"

pytestmark = pytest.mark.usefixtures("folder")


def _migrate(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["migrate", *arguments], env=environment)


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default)


# The README


def test_the_readme_lists_every_setting_as_the_code_has_it() -> None:
    rows = re.findall(
        r"^\| `(GATEWAY_\w+)` \| (?:`([^`]*)`)? *\| (.*) \|$",
        README.read_text("utf-8"),
        re.MULTILINE,
    )
    assert rows == [
        (f"GATEWAY_{name.upper()}", _shown(field.get_default()), field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_the_readme_speaks_of_no_setting_that_is_none() -> None:
    spoken_of = set(re.findall(r"GATEWAY_\w+", README.read_text("utf-8")))
    assert spoken_of == {f"GATEWAY_{name.upper()}" for name in Settings.model_fields}


# Where they come from

GIVEN = [
    ("GATEWAY_DATABASE_URL", "sqlite:///other.db", "database_url", "sqlite:///other.db"),
    ("GATEWAY_READ_DATABASE_URL", "postgresql://r/e", "read_database_url", "postgresql://r/e"),
    ("GATEWAY_MAX_REPLICA_LAG", "1.5", "max_replica_lag", 1.5),
    ("GATEWAY_HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("GATEWAY_PORT", "0", "port", 0),
    ("GATEWAY_PORT", "65535", "port", 65535),
    ("GATEWAY_WORKERS", "4", "workers", 4),
    ("GATEWAY_REST_PREFIX", "/api/v1", "rest_prefix", "/api/v1"),
    ("GATEWAY_REST_PREFIX", "api/v1/", "rest_prefix", "/api/v1"),
    ("GATEWAY_REST_PREFIX", "/", "rest_prefix", ""),
    ("GATEWAY_CORS_ORIGINS", "*", "cors_origins", ("*",)),
    ("GATEWAY_CORS_ORIGINS", "https://a.example", "cors_origins", ("https://a.example",)),
    (
        "GATEWAY_CORS_ORIGINS",
        "https://a.example, http://b.example:8080,",
        "cors_origins",
        ("https://a.example", "http://b.example:8080"),
    ),
    ("GATEWAY_CORS_HEADERS", "X-Team, x-other", "cors_headers", ("x-team", "x-other")),
    (
        "GATEWAY_ALLOWED_HOSTS",
        "Gateway.Example, *.gateway.example, ::1, bücher.example.",
        "allowed_hosts",
        ("gateway.example", "*.gateway.example", "[::1]", "xn--bcher-kva.example"),
    ),
    ("GATEWAY_ALLOWED_HOSTS", "*", "allowed_hosts", ("*",)),
    ("GATEWAY_SEND_TIMEOUT", "1.5", "send_timeout", 1.5),
    ("GATEWAY_MAX_OPEN_CONNECTIONS", "100", "max_open_connections", 100),
    ("GATEWAY_MAX_UNREAD_BYTES", "7", "max_unread_bytes", 7),
    ("GATEWAY_MAX_PAGE_SIZE", "50", "max_page_size", 50),
    ("GATEWAY_DATABASE_CONNECTIONS", "3", "database_connections", 3),
    ("GATEWAY_BUSY_TIMEOUT", "0.5", "busy_timeout", 0.5),
    ("GATEWAY_STATEMENT_TIMEOUT", "2.5", "statement_timeout", 2.5),
    ("GATEWAY_AUTH", "off", "auth", "off"),
    ("GATEWAY_AUTH", "keys", "auth", "keys"),
    ("GATEWAY_AUTH", "", "auth", None),
    ("GATEWAY_INTROSPECTION", "false", "introspection", False),
    ("GATEWAY_TRUSTED_DOCUMENTS", "ops.json", "trusted_documents", Path("ops.json")),
    ("GATEWAY_MAX_BODY_BYTES", "1000", "max_body_bytes", 1000),
    ("GATEWAY_RECEIVE_TIMEOUT", "1.5", "receive_timeout", 1.5),
    ("GATEWAY_SHUTDOWN_TIMEOUT", "7", "shutdown_timeout", 7),
    ("GATEWAY_MAX_STREAMS", "7", "max_streams", 7),
    ("GATEWAY_MAX_CONCURRENT_REQUESTS", "7", "max_concurrent_requests", 7),
    ("GATEWAY_MAX_IDS", "7", "max_ids", 7),
    ("GATEWAY_MAX_MATCHING_SECONDS", "7.5", "max_matching_seconds", 7.5),
    ("GATEWAY_MAX_PARAMETERS", "7", "max_parameters", 7),
    ("GATEWAY_MAX_DATA_BYTES", "7", "max_data_bytes", 7),
    ("GATEWAY_GET_QUERIES", "0", "get_queries", False),
    ("GATEWAY_MAX_BATCH", "7", "max_batch", 7),
    ("GATEWAY_MAX_DOCUMENT_BYTES", "7", "max_document_bytes", 7),
    ("GATEWAY_MAX_INPUT_VALUES", "7", "max_input_values", 7),
    ("GATEWAY_MAX_INPUT_OBJECTS", "7", "max_input_objects", 7),
    ("GATEWAY_MAX_TOKENS", "7", "max_tokens", 7),
    ("GATEWAY_MAX_DEPTH", "7", "max_depth", 7),
    ("GATEWAY_MAX_ALIASES", "7", "max_aliases", 7),
    ("GATEWAY_MAX_ROOT_FIELDS", "7", "max_root_fields", 7),
    ("GATEWAY_MAX_DIRECTIVES", "7", "max_directives", 7),
    ("GATEWAY_MAX_REPEATS", "7", "max_repeats", 7),
    ("GATEWAY_MAX_VARIABLES", "7", "max_variables", 7),
    ("GATEWAY_MAX_COST", "7", "max_cost", 7),
    ("GATEWAY_MAX_EVENT_COST", "7", "max_event_cost", 7),
    ("GATEWAY_MAX_CONNECTIONS", "7", "max_connections", 7),
    ("GATEWAY_MAX_UNACKNOWLEDGED_CONNECTIONS", "7", "max_unacknowledged_connections", 7),
    ("GATEWAY_CONNECTION_INIT_TIMEOUT", "1.5", "connection_init_timeout", 1.5),
    ("GATEWAY_MAX_SUBSCRIPTIONS_PER_CONNECTION", "7", "max_subscriptions_per_connection", 7),
    ("GATEWAY_MAX_SUBSCRIPTIONS", "7", "max_subscriptions", 7),
    ("GATEWAY_MAX_FILTER_BYTES", "7", "max_filter_bytes", 7),
    ("GATEWAY_MAX_SUBSCRIPTIONS_PER_KEY", "7", "max_subscriptions_per_key", 7),
    ("GATEWAY_HEARTBEAT_INTERVAL", "1.5", "heartbeat_interval", 1.5),
    ("GATEWAY_RETENTION", "FINISHED=7d,ERROR=180d", "retention", "FINISHED=7d,ERROR=180d"),
    ("GATEWAY_RETENTION_KEEP_LAST", "7", "retention_keep_last", 7),
    ("GATEWAY_TIMEOUT_AFTER", "24h", "timeout_after", "24h"),
    ("GATEWAY_EVENT_RETENTION", "2h", "event_retention", "2h"),
    ("GATEWAY_TRACES", "1", "traces", True),
    ("GATEWAY_LOG_LEVEL", "debug", "log_level", "debug"),
    ("GATEWAY_LOG_FORMAT", "json", "log_format", "json"),
]
_given = pytest.mark.parametrize(
    ("name", "text", "field", "value"), GIVEN, ids=[f"{name}={text}" for name, text, *_ in GIVEN]
)


def test_every_setting_is_among_those_that_are_tried() -> None:
    assert {field for _, _, field, _ in GIVEN} == set(Settings.model_fields)


@_given
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert Settings().model_dump() == {**_defaults(), field: value}


@_given
def test_a_setting_is_read_from_a_file(
    folder: Path, name: str, text: str, field: str, value: object
) -> None:
    (folder / ".env").write_text(f'{name}="{text}"\n')
    assert Settings().model_dump() == {**_defaults(), field: value}


def _defaults() -> dict[str, Any]:
    return {name: field.get_default() for name, field in Settings.model_fields.items()}


def test_without_any_given_every_setting_is_its_default() -> None:
    assert Settings().model_dump() == _defaults()
    assert Settings().database_url == DEFAULT_URL


def test_the_environment_stands_above_the_file(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / ".env").write_text("GATEWAY_PORT=1\nGATEWAY_WORKERS=2\n")
    monkeypatch.setenv("GATEWAY_PORT", "3")
    settings = Settings()
    assert (settings.port, settings.workers) == (3, 2)


def test_an_empty_value_in_the_environment_gives_nothing(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / ".env").write_text("GATEWAY_PORT=1\n")
    monkeypatch.setenv("GATEWAY_PORT", "")
    monkeypatch.setenv("GATEWAY_WORKERS", "")
    settings = Settings()
    assert (settings.port, settings.workers) == (1, 1)


def test_a_name_without_the_prefix_is_another_program_s(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / ".env").write_text("HOST=0.0.0.0\nSECRET=1\n")
    monkeypatch.setenv("PORT", "1")
    assert Settings().model_dump() == _defaults()


def test_the_command_line_stands_above_the_environment_and_that_above_the_file(
    folder: Path,
) -> None:
    def databases() -> set[str]:
        return {file.name for file in folder.glob("*.db")}

    assert _migrate().exit_code == 0
    assert databases() == {"executions.db"}
    (folder / ".env").write_text("GATEWAY_DATABASE_URL=sqlite:///file.db\n")
    assert _migrate().exit_code == 0
    assert databases() == {"executions.db", "file.db"}
    environment = {"GATEWAY_DATABASE_URL": "sqlite:///environment.db"}
    assert _migrate(**environment).exit_code == 0
    assert databases() == {"executions.db", "file.db", "environment.db"}
    assert _migrate("--database", "sqlite:///line.db", **environment).exit_code == 0
    assert databases() == {"executions.db", "file.db", "environment.db", "line.db"}


# Bad values

BAD = [
    ("GATEWAY_PORT", "http", "valid integer"),
    ("GATEWAY_PORT", "65536", "less than or equal to 65535"),
    ("GATEWAY_PORT", "-1", "greater than or equal to 0"),
    ("GATEWAY_PORT", "80.5", "valid integer"),
    ("GATEWAY_WORKERS", "0", "greater than or equal to 1"),
    ("GATEWAY_WORKERS", "many", "valid integer"),
    ("GATEWAY_MAX_PAGE_SIZE", "0", "greater than or equal to 1"),
    ("GATEWAY_MAX_PAGE_SIZE", "all", "valid integer"),
    ("GATEWAY_BUSY_TIMEOUT", "0", "greater than 0"),
    ("GATEWAY_BUSY_TIMEOUT", "soon", "valid number"),
    ("GATEWAY_BUSY_TIMEOUT", "nan", "greater than 0"),
    ("GATEWAY_RETENTION_KEEP_LAST", "-1", "greater than or equal to 0"),
]
_bad = pytest.mark.parametrize(
    ("name", "text", "reason"), BAD, ids=[f"{name}={text}" for name, text, _ in BAD]
)


@_bad
def test_a_bad_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, reason: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError, match=reason) as refused:
        Settings()
    [problem] = refused.value.errors()
    assert problem["loc"] == (name.removeprefix("GATEWAY_").lower(),)


@_bad
def test_the_command_line_names_a_bad_setting_its_value_and_what_is_wrong(
    folder: Path, name: str, text: str, reason: str
) -> None:
    refused = _migrate(**{name: text})
    said = " ".join(refused.stderr.split())
    assert refused.exit_code == 1
    assert said.startswith(f"Error: {name}: Input should be ")
    assert reason in said
    assert said.endswith(f"got '{text}'")
    assert list(folder.iterdir()) == []


def test_every_bad_setting_is_named_at_once(folder: Path) -> None:
    (folder / ".env").write_text("GATEWAY_WORKERS=0\n")
    refused = _migrate(GATEWAY_PORT="http", GATEWAY_BUSY_TIMEOUT="soon")
    assert refused.exit_code == 1
    assert set(re.findall(r"GATEWAY_\w+", refused.stderr)) == {
        "GATEWAY_PORT",
        "GATEWAY_BUSY_TIMEOUT",
        "GATEWAY_WORKERS",
    }


@pytest.mark.parametrize(
    ("host", "auth", "required"),
    [
        ("127.0.0.1", None, False),
        ("127.0.0.9", None, False),
        ("::1", None, False),
        ("localhost", None, False),
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("192.168.0.7", None, True),
        ("gateway.example", None, True),
        ("127.0.0.1", "keys", True),
        ("0.0.0.0", "keys", True),
        ("0.0.0.0", "off", False),
    ],
)
def test_keys_are_required_as_soon_as_the_host_is_not_loopback(
    host: str, auth: Any, *, required: bool
) -> None:
    assert Settings(_env_file=None, host=host, auth=auth).keys_required is required


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("GATEWAY_RETENTION", "90", "must be a number and a unit"),
        ("GATEWAY_RETENTION", "INPROGRESS=7d", "INPROGRESS is never deleted"),
        ("GATEWAY_RETENTION", "FINISHED=7", "FINISHED: must be a number and a unit"),
        ("GATEWAY_TIMEOUT_AFTER", "0h", "must be longer than 0"),
        ("GATEWAY_TIMEOUT_AFTER", "FINISHED=7d", "must be a number and a unit"),
    ],
)
def test_a_malformed_age_stops_the_start_with_what_is_wrong(
    folder: Path, name: str, text: str, reason: str
) -> None:
    refused = CliRunner().invoke(cli, ["serve", "--port", "0"], env={name: text})
    said = " ".join(refused.stderr.split())
    assert refused.exit_code == 1
    assert said.startswith(f"Error: {name}: Value error, {reason}")
    assert said.endswith(f"got '{text}'")
    assert list(folder.iterdir()) == []
