"""Without its library the provider is unavailable, with a remedy; the process does not end."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from rider_voice_espeak import EspeakTextToSpeech
from rider_voice_espeak.library import EspeakLibrary, loader_folder

from rider_core.api import Health, HealthStatus, ProviderContext
from rider_core.errors import ProviderUnavailable


def health() -> Health:
    return EspeakTextToSpeech(EspeakTextToSpeech.Config(), ProviderContext()).health()


def test_package_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    found = health()
    assert found.status is HealthStatus.UNAVAILABLE
    assert "espeakng-loader is not installed" in found.reason
    assert found.remedy is not None
    assert "pip install" in found.remedy


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF and then something else"])
def test_library_missing_or_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "libespeak-ng.so").write_bytes(content)
    monkeypatch.setattr("rider_voice_espeak.provider.loader_folder", lambda: tmp_path)
    found = health()
    assert found.status is HealthStatus.UNAVAILABLE
    assert "libespeak-ng cannot be loaded" in found.reason
    with pytest.raises(ProviderUnavailable, match="pip install"):
        EspeakLibrary(tmp_path)


def test_data_missing_does_not_end_the_process(tmp_path: Path) -> None:
    (tmp_path / "libespeak-ng.so").symlink_to(loader_folder() / "libespeak-ng.so")
    program = f"""
from pathlib import Path
from rider_core.errors import ProviderUnavailable
from rider_voice_espeak.library import EspeakLibrary
try:
    EspeakLibrary(Path({str(tmp_path)!r}))
except ProviderUnavailable as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "refused: libespeak-ng cannot use its data" in done.stdout, done


def test_a_folder_with_a_long_and_odd_name(tmp_path: Path) -> None:
    """The library has room for 160 bytes."""
    folder = tmp_path / ('it\'s "my" 100%; żółw ' + "x" * 150)
    folder.mkdir()
    for entry in ("libespeak-ng.so", "espeak-ng-data"):
        (folder / entry).symlink_to(loader_folder() / entry)
    program = f"""
from pathlib import Path
from rider_voice_espeak.library import EspeakLibrary, Utterance
library, heard = EspeakLibrary(Path({str(folder)!r})), []
with library.exclusive():
    library.speak(Utterance("Dzień dobry", "pl", 175, 50, 100), lambda block: heard.append(block) or True)
print(len(library.voices) > 50, len(b"".join(heard)) > 10_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True True\n", done
