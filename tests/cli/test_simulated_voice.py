"""The speaker of the simulated robot's microphone: never a mock, which has neither languages nor words."""

from __future__ import annotations

from pathlib import Path

import pytest

from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.testing.processes import install_plugin

PLUGIN = """
from rider_core.api import AudioClip, TextToSpeech, hookimpl
RIDER_API = "1.0"
class Whistle(TextToSpeech):
    name = "whistle"
    mock = MOCK
    def synthesize_stream(self, request):
        yield AudioClip(bytes(320), 16_000)
@hookimpl
def register_providers(register):
    register(Whistle)
"""


@pytest.mark.parametrize("mock", [True, False], ids=["mock", "real"])
def test_a_mock_that_the_settings_name_does_not_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mock: bool
) -> None:
    name = f"whistle_{mock}".lower()
    install_plugin(tmp_path, name, PLUGIN.replace("MOCK", str(mock)))
    monkeypatch.syspath_prepend(tmp_path)
    settings = load_settings(data_dir=tmp_path / "data", providers={"text_to_speech": "whistle"})
    speak = engine_voice(settings)
    assert (speak is None) is mock
    assert ("tones instead of sentences: whistle is a mock" in caplog.text) is mock
