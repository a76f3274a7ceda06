"""Settings, read from the environment, a ``.env`` file or the command line."""

import importlib.util
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.models import ExecutionState
from db.writing.old_executions import MOST_KEPT
from server.graphql.limits import Limits
from server.graphql.subscriptions.channel import MAX_FILTER_BYTES
from server.http.hosts import normalized_host
from server.http.origins import normalized
from server.operation.durations import parse_duration, parse_retention
from server.operation.setting_names import PREFIX, refuse_unknown_names

_ENV_FILE = Path(".env")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Settings(BaseSettings):
    """The configuration of a gateway. Environment variables have the prefix ``GATEWAY_``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=_ENV_FILE, env_ignore_empty=True, extra="ignore"
    )

    database_url: str = Field(
        "sqlite+aiosqlite:///executions.db", description="The URL of the database."
    )
    read_database_url: str | None = Field(
        None,
        description="A streaming replica of that PostgreSQL database, to read from.",
    )
    max_replica_lag: float = Field(
        10.0,
        gt=0,
        description="How far behind the replica may be, in seconds; reads go to the primary "
        "beyond that.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    workers: int = Field(1, ge=1, description="The number of server processes.")
    rest_prefix: str = Field("", description="The path before the REST routes, such as /api/v1.")
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
    max_page_size: int = Field(1000, ge=1, description="The largest page, in GraphQL and REST.")
    busy_timeout: float = Field(
        5.0, gt=0, description="How long a write waits for another write's lock, in seconds."
    )
    database_connections: int = Field(
        10,
        ge=1,
        description="How many PostgreSQL connections a process opens for reads and writes; two "
        "more serve rare tasks, and one hears of events while there are subscriptions.",
    )
    statement_timeout: float = Field(
        30.0, gt=0, description="How long a statement may run in the database, in seconds."
    )
    auth: Literal["keys", "off"] | None = Field(
        None,
        description=(
            "`keys`: every request needs a key. `off`: no request does. Unset: like "
            "`keys`, but on loopback only once a key exists."
        ),
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names that the gateway answers to besides loopback, separated by "
        "commas: gateway.example, *.gateway.example; * for any. Unset: any if "
        "requests need a key, otherwise loopback alone.",
    )
    introspection: bool = Field(
        True,
        description="Whether clients may query the schema; if not, errors do not suggest names "
        "either.",
    )
    trusted_documents: Path | None = Field(
        None,
        description="A manifest of operations (JSON: Apollo's, Relay's or Codegen's); no other "
        "operations run, but for the console's.",
    )
    max_body_bytes: int = Field(1_048_576, ge=1, description="The largest request body, in bytes.")
    receive_timeout: float = Field(
        20.0, gt=0, description="How long a request body may take to arrive, in seconds."
    )
    send_timeout: float = Field(
        30.0,
        gt=0,
        description="How long a client may read nothing of a response before its connection is "
        "closed, in seconds.",
    )
    max_open_connections: int = Field(
        2000,
        ge=1,
        description="How many HTTP connections and closing WebSockets a process holds; further "
        "ones replace idle ones.",
    )
    max_unread_bytes: int = Field(
        268_435_456,
        ge=1,
        description="How many bytes of responses a process holds for clients that have not read "
        "them; beyond it, those that read nothing are disconnected first.",
    )
    shutdown_timeout: int = Field(
        20,
        ge=1,
        description="How long running requests may take on shutdown, in seconds.",
    )
    max_concurrent_requests: int = Field(
        200, ge=1, description="How many requests a process works on at a time; more get 503."
    )
    max_streams: int = Field(
        50,
        ge=1,
        description="How many whole lists, and results as events, a process sends at a time; more "
        "get 503. Subscriptions have limits of their own.",
    )
    max_ids: int = Field(
        10_000,
        ge=1,
        description="How many guids a call may name, and how many values the lists of a filter "
        "may hold.",
    )
    max_matching_seconds: float = Field(
        10.0,
        gt=0,
        description="How long a change of all executions that match a filter may run before it "
        "answers that there are more, in seconds.",
    )
    max_parameters: int = Field(
        100, ge=1, description="How many query parameters a REST request may have."
    )
    max_data_bytes: int = Field(
        10_485_760,
        ge=1,
        description="How many bytes of execution data a response may have, in GraphQL and REST; "
        "dataProblem says what was left out.",
    )
    get_queries: bool = Field(
        True, description="Whether GraphQL queries may be sent by GET; mutations never may."
    )
    max_batch: int = Field(
        0,
        ge=0,
        description="How many operations an HTTP request may hold as an array; 0 for none.",
    )
    max_document_bytes: int = Field(
        100_000, ge=1, description="The largest GraphQL document, in bytes."
    )
    max_tokens: int = Field(2000, ge=1, description="How many tokens a GraphQL document may have.")
    max_depth: int = Field(
        20, ge=1, description="How deeply the fields of a GraphQL operation may be nested."
    )
    max_aliases: int = Field(30, ge=0, description="How many aliases an operation may have.")
    max_root_fields: int = Field(
        20, ge=1, description="How many root fields an operation may have."
    )
    max_directives: int = Field(50, ge=0, description="How many directives an operation may have.")
    max_repeats: int = Field(
        10, ge=1, description="How often an operation may select the same field in one place."
    )
    max_variables: int = Field(50, ge=0, description="How many variables an operation may have.")
    max_input_values: int = Field(
        12_000,
        ge=1,
        description="How many values the variables may hold, including those in lists and objects.",
    )
    max_input_objects: int = Field(
        1_500,
        ge=1,
        description="How many objects the variables may hold, such as the conditions of filters.",
    )
    max_cost: int = Field(
        20_000,
        ge=1,
        description="The highest cost of an operation: its fields, times the page size for those "
        "in lists.",
    )
    max_event_cost: int = Field(
        1_000,
        ge=1,
        description="The highest cost of a subscription, which each of its events costs again.",
    )
    max_connections: int = Field(
        1000, ge=1, description="How many acknowledged WebSockets a process holds open."
    )
    max_unacknowledged_connections: int = Field(
        200,
        ge=1,
        description="How many WebSockets may be open before their connection_init; more close the "
        "oldest of them.",
    )
    connection_init_timeout: float = Field(
        5.0,
        gt=0,
        description="How long a WebSocket may take to send connection_init, in seconds.",
    )
    max_subscriptions_per_connection: int = Field(
        20, ge=1, description="How many operations may run on one WebSocket."
    )
    max_subscriptions: int = Field(
        10_000, ge=1, description="How many subscriptions run in a process; more get 503."
    )
    max_filter_bytes: int = Field(
        MAX_FILTER_BYTES,
        ge=0,
        description="How many bytes of memory the filters of all subscriptions may take; short "
        "ones are always accepted.",
    )
    max_subscriptions_per_key: int = Field(
        1000, ge=1, description="How many subscriptions of one key run in a process."
    )
    heartbeat_interval: float = Field(
        15.0,
        gt=0,
        description="How often a silent subscription gets a sign of life, in seconds.",
    )
    retention: str | None = Field(
        None,
        description="How long after their creation executions that have ended are deleted: 90d, "
        "or by state FINISHED=7d,ERROR=180d. Unset: never.",
    )
    retention_keep_last: int = Field(
        0,
        ge=0,
        le=MOST_KEPT,
        description="How many of the newest executions of each agentflow are kept whatever their "
        "age.",
    )
    timeout_after: str | None = Field(
        None,
        description="How long after their creation executions that are still INPROGRESS become "
        "TIMEOUT, such as 24h. Unset: never.",
    )
    event_retention: str = Field(
        "1d",
        description="How long the events of executions are kept for subscribers that come back.",
    )
    traces: bool = Field(
        False,
        description="Whether to send OpenTelemetry traces; needs the extra `otel`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="JSON lines, or readable text (`console`); `auto` is readable text on a "
        "terminal.",
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
        """The limits of GraphQL documents."""
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
            max_event_cost=self.max_event_cost,
            max_page_size=self.max_page_size,
            max_ids=self.max_ids,
            max_input_values=self.max_input_values,
            max_input_objects=self.max_input_objects,
        )

    @property
    def retention_ages(self) -> Mapping[ExecutionState, int]:
        """After how many milliseconds executions are deleted, for each state that ever is."""
        return parse_retention(self.retention) if self.retention else {}

    @property
    def timeout_ages(self) -> Mapping[ExecutionState, int]:
        """After how many milliseconds executions are timed out, if ever."""
        if not self.timeout_after:
            return {}
        return {ExecutionState.INPROGRESS: parse_duration(self.timeout_after)}

    @property
    def event_age(self) -> int:
        """After how many milliseconds events are deleted."""
        return parse_duration(self.event_retention)

    @property
    def keys_required(self) -> bool:
        """Whether requests need a key even when none exists yet."""
        return self.auth == "keys" or (self.auth is None and not self.on_loopback)

    @field_validator("retention")
    @classmethod
    def _check_retention(cls, text: str | None) -> str | None:
        if text is not None:
            parse_retention(text)
        return text

    @field_validator("timeout_after", "event_retention")
    @classmethod
    def _check_duration(cls, text: str | None) -> str | None:
        if text is not None:
            parse_duration(text)
        return text

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
                raise ValueError(f"{name!r} is not the name of a header, such as x-team, or *")
        return tuple(dict.fromkeys(name.lower() for name in names))


def load_settings(**given: Any) -> Settings:
    """Read the settings. ``given`` values override the environment, which overrides ``.env``.

    Raises pydantic's ValidationError for invalid values, and InvalidInput for names that have the
    prefix but are not settings, or if ``.env`` can't be read.
    """
    refuse_unknown_names(Settings.model_fields, os.environ, _ENV_FILE)
    return Settings(**given)
