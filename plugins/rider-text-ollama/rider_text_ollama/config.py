"""The settings of the provider."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, SecretStr, model_validator

from rider_core.api import ProviderConfig
from rider_core.errors import ConfigError
from rider_text_ollama.address import MAX_HOST_CHARACTERS, Address, address_of, parse_address

MAX_MODEL_NAME = 128


class OllamaConfig(ProviderConfig):
    """Settings of the Ollama client."""

    # Errors do not show the value: `host` may contain a password.
    model_config = ConfigDict(hide_input_in_errors=True)

    host: str | None = Field(
        None,
        max_length=MAX_HOST_CHARACTERS,
        description="address of the server, such as http://127.0.0.1:11434; None: OLLAMA_HOST, or else that one. "
        "User name and password in it are moved to `credentials`",
    )
    credentials: SecretStr | None = Field(
        None, description="user:password for a server behind HTTP Basic authentication; never shown"
    )
    model: str | None = Field(
        None, min_length=1, max_length=MAX_MODEL_NAME, description="model to use; None: the first that the server has"
    )
    system_prompt: str = Field(
        "", max_length=32_000, description="system prompt of requests without one; empty: the model's default"
    )
    context_tokens: int | None = Field(
        None,
        ge=256,
        le=1_048_576,
        description="size of the context in tokens (num_ctx), which takes memory; None: as the server is set up",
    )
    keep_alive_s: float | None = Field(
        None,
        ge=-1,
        le=30 * 24 * 3600,
        description="seconds that the model stays loaded after an answer; 0: it is unloaded at once, -1: it stays, "
        "None: as the server is set up (5 minutes)",
    )
    connect_timeout_s: float = Field(5.0, gt=0, le=60, description="seconds to wait for a connection to the server")
    read_timeout_s: float = Field(
        120.0,
        ge=0.1,
        le=3600,
        description="seconds without a piece of the answer after which the request fails; before the first piece the "
        "server may have to load the model",
    )

    @model_validator(mode="before")
    @classmethod
    def _hide_credentials(cls, values: Any) -> Any:
        """Move user name and password out of `host`, which is shown and logged."""
        if not isinstance(values, dict) or not isinstance(values.get("host"), str) or not values["host"].strip():
            return values
        try:
            address = parse_address(values["host"])
        except ConfigError as error:
            raise ValueError(error.message) from None
        values = {**values, "host": address.url}
        if address.credentials:
            values.setdefault("credentials", SecretStr(":".join(address.credentials)))
        return values

    @property
    def address(self) -> Address:
        """The server. Raises `ConfigError` where `OLLAMA_HOST` is not an address."""
        address = address_of(self.host)
        if self.credentials is None:
            return address
        user, _, password = self.credentials.get_secret_value().partition(":")
        return Address(url=address.url, host=address.host, credentials=(user, password))


def full_name(model: str) -> str:
    """A model's name with its tag, as the server lists it."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
