"""Base of all providers: a named engine for one domain, with settings, lifecycle and health.

The four domains have files of their own: `speech_to_text`, `text_to_speech`, `object_detection`, `text_generation`.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from rider_core.api.health import Health
from rider_core.errors import ModelError


class ProviderConfig(BaseModel):
    """Base of a provider's settings. Give each field a description with its unit: the panel's form shows it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _no_models(name: str) -> Path:
    raise ModelError(f"no model directory was given, so model {name!r} cannot be found")


def no_hurry() -> float:
    """The time left of jobs without a deadline."""
    return math.inf


@dataclass(frozen=True)
class ProviderContext:
    """Passed to a provider by the core.

    Attributes:
        model_path: Returns the local file of a catalogue model. Raises `rider_core.errors.ModelError`, with the command
            that fetches it, where the model is not installed.
        threads: Number of threads for the engine.
        time_left_s: Returns the seconds until the deadline of the current job; of a batch, the earliest. Infinite
            without a deadline, negative after it. An engine may choose between quality and speed by it.
    """

    model_path: Callable[[str], Path] = field(default=_no_models)
    threads: int = 2
    time_left_s: Callable[[], float] = field(default=no_hurry)


class Provider(ABC):
    """Base of the four domain classes; a plugin subclasses one of those.

    Attributes:
        name: Unique among all plugins, in lower case with dashes.
        domain: Set by the domain class.
        mock: True for a mock. It is copied into every result.
        Config: The settings of this provider.
        max_batch: Largest batch that the engine processes faster than single requests; 1: no batching. Waiting jobs
            that fit together, and the items of a batch, are passed in groups of up to this size.
        max_wait_ms: How long a job may wait for others to fill a group, in ms.

    One object serves one worker process. Its methods are called from one thread at a time, except `health`.
    """

    name: ClassVar[str]
    domain: ClassVar[str]
    mock: ClassVar[bool] = False
    Config: ClassVar[type[ProviderConfig]] = ProviderConfig
    # An engine may set these from its settings, in `__init__`.
    max_batch: int = 1
    max_wait_ms: float = 0.0

    def __init__(self, config: Any, context: ProviderContext) -> None:
        self.config = config
        self.context = context

    def required_models(self) -> tuple[str, ...]:
        """Names of the catalogue models that `open` needs with the current settings."""
        return ()

    # Not abstract: a provider without an engine to load needs none of these.
    def open(self) -> None:  # noqa: B027
        """Load the engine. Called once, before the first job.

        Raises:
            rider_core.errors.ProviderUnavailable, rider_core.errors.ModelError: something is missing.
            rider_core.errors.ConfigError: the settings do not fit the engine.
        """

    def close(self) -> None:  # noqa: B027
        """Release the engine. Called once; the provider is not used afterwards."""

    def details(self) -> Mapping[str, str]:
        """Details of the open engine, for people: its model, what it runs on and why."""
        return {}

    def health(self) -> Health:
        """Whether the provider could work now. The default checks that its models are installed.

        Also called without `open()`; must be fast, and must not load the engine.
        """
        try:
            for name in self.required_models():
                self.context.model_path(name)
        except ModelError as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()
