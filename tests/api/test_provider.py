"""What every provider has from its base class."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from rider_core.api import GenerateRequest, HealthStatus, ProviderContext, TextGenerator
from rider_core.errors import ModelError


class WithModels(TextGenerator):
    name = "with-models"

    def required_models(self) -> tuple[str, ...]:
        return ("small", "large")

    def generate_stream(self, request: GenerateRequest) -> Generator[str, None, None]:
        yield "ok"


def only_small(name: str) -> Path:
    if name == "small":
        return Path("small.bin")
    raise ModelError(f"{name} is not installed", remedy=f"rider models pull {name}")


def test_it_is_unavailable_without_one_of_its_models() -> None:
    health = WithModels({}, ProviderContext(model_path=only_small)).health()
    assert health.status is HealthStatus.UNAVAILABLE
    assert (health.reason, health.remedy) == ("large is not installed", "rider models pull large")


def test_it_is_healthy_with_all_of_them() -> None:
    assert WithModels({}, ProviderContext(model_path=Path)).health().status is HealthStatus.OK


def test_a_context_without_models_says_so() -> None:
    health = WithModels({}, ProviderContext()).health()
    assert "no model directory was given" in health.reason
