"""What decoding with the full context takes is given back when it is over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import rider_voice_whisper.provider as provider_file
from rider_voice_whisper.provider import WhisperConfig, WhisperSpeechToText
from whisper_harness import base_model

from rider_core.api import AudioClip, ProviderContext
from rider_core.errors import ProviderUnavailable
from rider_core.testing.waiting import wait_until

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
CLIP = AudioClip.from_wav((Path(__file__).parent / "cases" / "add-subtitles.wav").read_bytes())


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


def opened(file: Path, recheck_confidence: float) -> WhisperSpeechToText:
    config = WhisperConfig(recheck_confidence=recheck_confidence)
    provider = WhisperSpeechToText(config, ProviderContext(model_path=lambda _: file))
    provider.open()
    return provider


@pytest.fixture
def whisper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhisperSpeechToText]:
    """With a file of its own, and sure of nothing: each clip is decoded again with the full context."""
    monkeypatch.setattr(provider_file, "RELEASE_AFTER_S", 0.2)
    file = tmp_path / "model.bin"
    shutil.copyfile(base_model(), file)
    provider = opened(file, 1.0)
    yield provider
    provider.close()


def released(whisper: WhisperSpeechToText) -> bool:
    return whisper._engine is not None and not whisper._engine.has_large_buffers


def test_the_memory_is_given_back(whisper: WhisperSpeechToText) -> None:
    text = whisper.transcribe(CLIP, "en").text
    most_mb = memory_mb()
    wait_until(lambda: released(whisper), what="the release")
    wait_until(lambda: most_mb - memory_mb() > 80, what="the memory")
    assert whisper.transcribe(CLIP, "en").text == text
    wait_until(lambda: released(whisper), what="the next release")


def test_clips_that_need_little_reload_nothing() -> None:
    provider = opened(base_model(), 0.0)
    provider.transcribe(CLIP, "en")
    assert provider._release is None
    assert released(provider)
    provider.close()


def test_a_model_that_is_away_just_then_is_loaded_later(whisper: WhisperSpeechToText, tmp_path: Path) -> None:
    text = whisper.transcribe(CLIP, "en").text
    away = (tmp_path / "model.bin").rename(tmp_path / "away.bin")
    wait_until(lambda: released(whisper), what="the release")
    with pytest.raises(ProviderUnavailable, match=r"cannot load model\.bin"):
        whisper.transcribe(CLIP, "en")
    away.rename(tmp_path / "model.bin")
    assert whisper.transcribe(CLIP, "en").text == text


def test_closing_ends_the_wait(whisper: WhisperSpeechToText, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_file, "RELEASE_AFTER_S", 60)
    whisper.transcribe(CLIP, "en")
    timer = whisper._release
    assert timer is not None
    whisper.close()
    wait_until(lambda: not timer.is_alive(), what="the end of its thread")
    with pytest.raises(ProviderUnavailable, match="not open"):
        whisper.transcribe(CLIP, "en")
