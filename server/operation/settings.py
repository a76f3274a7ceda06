"""Settings: from the environment, from a ``.env`` file, or from the command line."""

import importlib.util
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.graphql.limits import Limits
from server.http.hosts import normalized_host
from server.http.origins import normalized
from server.operation.setting_names import PREFIX, refuse_unknown_names

_ENV_FILE = Path(".env")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Settings(BaseSettings):
    """How a gateway runs. Each setting is read from ``GATEWAY_`` and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=_ENV_FILE, env_ignore_empty=True, extra="ignore"
    )

    database_url: str = Field(
        "sqlite+aiosqlite:///executions.db", description="Where the executions are stored."
    )
    read_database_url: str | None = Field(
        None,
        description="A streaming replica of that PostgreSQL, to read from; none unless it is set.",
    )
    max_replica_lag: float = Field(
        10.0, gt=0, description="How far behind a replica may be and still be read, in seconds."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    workers: int = Field(1, ge=1, description="How many processes serve.")
    rest_prefix: str = Field("", description="What stands before the REST routes, such as /api/v1.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose web pages may call the gateway, separated by commas: "
        "https://app.example, https://*.app.example; * for any.",
    )
    cors_headers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Headers that those pages may send besides the usual ones, separated by "
        "commas; * for any.",
    )
    max_page_size: int = Field(
        1000, ge=1, description="How many executions one page may hold, in GraphQL and REST."
    )
    busy_timeout: float = Field(
        5.0, gt=0, description="How long a write waits for another one, in seconds."
    )
    database_connections: int = Field(
        10, ge=1, description="How many connections to PostgreSQL one process holds, and two more."
    )
    statement_timeout: float = Field(
        30.0, gt=0, description="How long one statement may run in the database, in seconds."
    )
    auth: Literal["keys", "off"] | None = Field(
        None,
        description=(
            "`keys`: every request needs a key. `off`: none does. Unset: as `keys`, except on "
            "loopback as long as no key was made."
        ),
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Hosts that the gateway answers to besides those of its machine, separated by "
        "commas: gateway.example, *.gateway.example; * for any. Unset: any as soon as a key is "
        "needed, and none before.",
    )
    introspection: bool = Field(
        True,
        description="Whether the schema can be asked for; off, names are not suggested either.",
    )
    trusted_documents: Path | None = Field(
        None,
        description="A manifest of operations (JSON: Apollo's, Relay's, Codegen's); set, only "
        "those run.",
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1, description="How large the body of a request may be, in bytes."
    )
    receive_timeout: float = Field(
        20.0, gt=0, description="How long the body of a request may take to arrive, in seconds."
    )
    send_timeout: float = Field(
        30.0,
        gt=0,
        description="How long a client may take none of an answer before it is cut off, in "
        "seconds.",
    )
    max_open_connections: int = Field(
        2000,
        ge=1,
        description="How many HTTP connections one process holds, and WebSockets that are being "
        "closed; those that wait make room for more.",
    )
    shutdown_timeout: int = Field(
        20,
        ge=1,
        description="How long requests that are under way may take when it is told to end, in "
        "seconds.",
    )
    max_concurrent_requests: int = Field(
        200, ge=1, description="How many requests one process works on; more get 503 at once."
    )
    max_streams: int = Field(
        50,
        ge=1,
        description="How many whole lists and streams of events one process sends besides; more "
        "get 503 at once.",
    )
    max_ids: int = Field(
        10_000,
        ge=1,
        description="How many guids one call may name, and how many values one filter lists.",
    )
    max_parameters: int = Field(
        100, ge=1, description="How many parameters the query of a REST request may have."
    )
    get_queries: bool = Field(
        True, description="Whether GraphQL queries are taken by GET; mutations never are."
    )
    max_batch: int = Field(
        0,
        ge=0,
        description="How many operations one HTTP request may hold as an array; 0 for none.",
    )
    max_document_bytes: int = Field(
        100_000, ge=1, description="How long a GraphQL document may be, in bytes."
    )
    max_tokens: int = Field(2000, ge=1, description="How many tokens a GraphQL document may have.")
    max_depth: int = Field(
        20, ge=1, description="How many levels of fields a GraphQL operation may have."
    )
    max_aliases: int = Field(30, ge=0, description="How many aliases an operation may have.")
    max_root_fields: int = Field(20, ge=1, description="How many root fields it may have.")
    max_directives: int = Field(50, ge=0, description="How many directives it may have.")
    max_repeats: int = Field(
        10, ge=1, description="How often it may name the same field in one place."
    )
    max_variables: int = Field(50, ge=0, description="How many variables it may have.")
    max_input_values: int = Field(
        12_000,
        ge=1,
        description="How many values they may hold, those in lists and objects included.",
    )
    max_input_objects: int = Field(
        1_500, ge=1, description="How many objects they may hold, such as conditions of filters."
    )
    max_cost: int = Field(
        20_000,
        ge=1,
        description="What it may cost: its fields, those in lists times the size of the page.",
    )
    max_connections: int = Field(
        1000, ge=1, description="How many WebSockets of known clients one process holds open."
    )
    max_unacknowledged_connections: int = Field(
        200,
        ge=1,
        description="How many WebSockets may be open that have sent no connection_init; more close "
        "the oldest of them.",
    )
    connection_init_timeout: float = Field(
        5.0,
        gt=0,
        description="How long a WebSocket may be open without connection_init, in seconds.",
    )
    max_subscriptions_per_connection: int = Field(
        20, ge=1, description="How many operations one WebSocket may have under way."
    )

    traces: bool = Field(
        False,
        description="Whether OpenTelemetry is sent traces; it needs the extra `otel`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is logged: this and all that is graver."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="How: JSON lines, or for people; `auto` is the latter on a terminal."
    )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def limits(self) -> Limits:
        """What a GraphQL document may hold."""
        return Limits(
            max_document_bytes=self.max_document_bytes,
            max_tokens=self.max_tokens,
            max_depth=self.max_depth,
            max_aliases=self.max_aliases,
            max_root_fields=self.max_root_fields,
            max_directives=self.max_directives,
            max_repeats=self.max_repeats,
            max_variables=self.max_variables,
            max_cost=self.max_cost,
            max_page_size=self.max_page_size,
            max_ids=self.max_ids,
            max_input_values=self.max_input_values,
            max_input_objects=self.max_input_objects,
        )

    @property
    def keys_required(self) -> bool:
        """Whether a key is needed even when none was made yet."""
        return self.auth == "keys" or (self.auth is None and not self.on_loopback)

    @field_validator("traces")
    @classmethod
    def _check_extra(cls, traces: bool) -> bool:  # noqa: FBT001 - pydantic passes the value
        if traces and importlib.util.find_spec("opentelemetry") is None:
            raise ValueError('needs OpenTelemetry: pip install "executions-gateway[otel]"')
        return traces

    @field_validator("rest_prefix")
    @classmethod
    def _normalize_prefix(cls, prefix: str) -> str:
        trimmed = prefix.strip("/")
        return f"/{trimmed}" if trimmed else ""

    @field_validator("cors_origins", "cors_headers", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, listed: object) -> object:
        if not isinstance(listed, str):
            return listed
        return tuple(each.strip() for each in listed.split(",") if each.strip())

    @field_validator("cors_origins")
    @classmethod
    def _normalize_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(normalized, origins)))

    @field_validator("allowed_hosts")
    @classmethod
    def _normalize_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(normalized_host, hosts)))

    @field_validator("cors_headers")
    @classmethod
    def _check_headers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header, such as x-team, or *")
        return tuple(dict.fromkeys(name.lower() for name in names))


def load_settings(**given: Any) -> Settings:
    """Read the settings; what is given stands above the environment, and that above ``.env``.

    Raises pydantic's ValidationError for bad values, and InvalidInput for names with the prefix
    that are no settings, and for a file that can't be read.
    """
    refuse_unknown_names(Settings.model_fields, os.environ, _ENV_FILE)
    return Settings(**given)
