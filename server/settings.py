"""Settings: from the environment, from a ``.env`` file, or from the command line."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """How a gateway runs. Each setting is read from ``GATEWAY_`` and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    database_url: str = Field(
        "sqlite+aiosqlite:///executions.db", description="Where the executions are stored."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    workers: int = Field(1, ge=1, description="How many processes serve.")
    rest_prefix: str = Field("", description="What stands before the REST routes, such as /api/v1.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose web pages may call the gateway, separated by commas; * for any.",
    )
    max_page_size: int = Field(
        1000, ge=1, description="How many executions one page may hold, in GraphQL and REST."
    )
    busy_timeout: float = Field(
        5.0, gt=0, description="How long a write waits for another one, in seconds."
    )

    @field_validator("rest_prefix")
    @classmethod
    def _normalize_prefix(cls, prefix: str) -> str:
        trimmed = prefix.strip("/")
        return f"/{trimmed}" if trimmed else ""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: object) -> object:
        if not isinstance(origins, str):
            return origins
        return tuple(origin.strip() for origin in origins.split(",") if origin.strip())
