"""The settings of the Whisper engine."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from rider_core.api import ProviderConfig
from rider_voice_whisper.engine import known_languages


class WhisperConfig(ProviderConfig):
    """Settings of the Whisper engine."""

    model: str = Field("whisper-base", max_length=64, description="a model of the catalogue (`rider models list`)")
    language: str | None = Field(None, description="language of requests that name none, in ISO 639-1; None: detect it")
    expected_languages: tuple[str, ...] = Field(
        ("en", "pl"),
        max_length=100,
        description="languages among which detection chooses unless another is nearly certain; empty: all are equal",
    )
    prompt: str = Field(
        "", max_length=500, description="names and rare words to expect; long prompts cause hallucinations"
    )
    beam_size: int = Field(
        1,
        ge=1,
        le=8,
        description="hypotheses of the beam search; 1 is the fastest, more rarely helps with short commands",
    )
    min_confidence: float = Field(
        0.4, ge=0, le=1, description="segments with a lower mean token probability are dropped as noise; 0: keep all"
    )
    recheck_confidence: float = Field(
        0.6,
        ge=0,
        le=1,
        description="short clips with less are decoded again in Whisper's full context, in four times the time, "
        "unless the job's deadline is near; 0: never",
    )
    batch_size: int = Field(
        8,
        ge=1,
        le=16,
        description="waiting short clips that are decoded together; 1: each alone",
    )
    no_speech_threshold: float = Field(
        0.6, ge=0, le=1, description="probability of silence from which on Whisper drops an unlikely segment"
    )

    @field_validator("language", "expected_languages")
    @classmethod
    def _known(cls, value: Any) -> Any:
        unknown = set([value] if isinstance(value, str) else value or ()) - set(known_languages())
        if unknown:
            raise ValueError(f"Whisper does not support {', '.join(sorted(unknown))}")
        return value
