"""`rider doctor` reports damaged models."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rider_core.testing.processes import Processes, install_plugin

CONTENT = b"12345"
PLUGIN = f"""
from rider_core.api import Health, ModelEntry, TextGenerator, hookimpl
from rider_core.errors import ModelError
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    def required_models(self):
        return ("small",)
    def health(self):
        try:
            self.context.model_path("small")
        except ModelError as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Parrot)
@hookimpl
def register_models(register):
    register(ModelEntry("small", "small.bin", "five bytes", "MIT", 5, "{hashlib.sha256(CONTENT).hexdigest()}", ()))
"""


@pytest.mark.parametrize(
    ("content", "damage"), [(CONTENT, ""), (b"12x45", "has the SHA-256 "), (b"123", "has 3 bytes, not 5")]
)
def test_a_damaged_model_is_reported(processes: Processes, content: bytes, damage: str) -> None:
    """Also one of the right size."""
    install_plugin(processes.folder, "parrot", PLUGIN)
    model = Path(processes.environment["RIDER_DATA_DIR"]) / "models" / "small.bin"
    model.parent.mkdir(parents=True)
    model.write_bytes(content)
    processes.fork("rider_core.cli.main", "doctor").wait(60)
    output = processes.log()
    assert (f"text_generation parrot: model 'small' is damaged: {model} {damage}" in output) == bool(damage), output
    assert ("what to do: rider models pull small" in output) == bool(damage)
