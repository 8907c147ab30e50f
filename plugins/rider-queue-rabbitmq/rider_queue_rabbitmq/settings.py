"""The connection settings: five environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pika
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from rider_core.errors import ConfigError

_PREFIX = "RABBITMQ_"


class RabbitSettings(BaseModel):
    """Each field but the last is set by `RABBITMQ_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", min_length=1, max_length=255, description="name or address")
    port: int = Field(5672, ge=1, le=65535, description="AMQP port")
    vhost: str = Field("/", min_length=1, max_length=255, description="virtual host")
    user: str = Field("guest", min_length=1, max_length=255)
    password: SecretStr = Field(SecretStr("guest"))
    heartbeat_s: int = Field(
        20,
        ge=1,
        le=300,
        description="either side gives up after two of these in silence; not read from the environment",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> RabbitSettings:
        """Settings from environment variables; an empty variable counts as unset.

        Raises:
            ConfigError: a variable is invalid.
        """
        source = os.environ if environment is None else environment
        names = [name for name in cls.model_fields if name != "heartbeat_s"]
        given = {name: value for name in names if (value := source.get(_PREFIX + name.upper()))}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = str(first["loc"][0])
            value = "(not shown)" if field == "password" else repr(given[field][:100])
            raise ConfigError(
                f"{_PREFIX}{field.upper()} is {value}: {first['msg']}",
                remedy=f"correct the environment variable {_PREFIX}{field.upper()}, or leave it out",
            ) from None

    def parameters(self, limit_s: float) -> pika.ConnectionParameters:
        """pika's parameters for one attempt to connect that takes at most `limit_s` seconds."""
        return pika.ConnectionParameters(
            host=self.host,
            port=self.port,
            virtual_host=self.vhost,
            credentials=pika.PlainCredentials(self.user, self.password.get_secret_value(), erase_on_connect=True),
            heartbeat=self.heartbeat_s,
            connection_attempts=1,
            socket_timeout=limit_s,
            stack_timeout=limit_s,
            client_properties={"connection_name": f"rider-pc {os.getpid()}"},
        )
