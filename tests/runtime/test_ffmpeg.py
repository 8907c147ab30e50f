"""Audio formats, written and read by a real ffmpeg, and files that must not be given to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rider_core.api.audio import AudioClip
from rider_core.errors import InvalidInput
from rider_core.runtime import ffmpeg
from rider_core.testing import tone_clip

TONE = tone_clip(1.0)
#: Names of files of every format that people record.
FILES = ["a.mp3", "a.m4a", "a.mp4", "a.ogg", "a.opus", "a.webm", "a.flac", "a.aac", "a.aiff", "a.mka"]


@pytest.mark.parametrize("name", FILES)
def test_recordings_of_every_kind(tmp_path: Path, name: str) -> None:
    wav = tmp_path / "a.wav"
    wav.write_bytes(TONE.to_wav())
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, tmp_path / name], check=True, stdin=subprocess.DEVNULL)
    data = (tmp_path / name).read_bytes()
    assert ffmpeg.can_read(data[:12])
    clip = AudioClip.from_wav(ffmpeg.to_wav(data))
    assert clip.sample_rate == ffmpeg.SAMPLE_RATE
    assert abs(clip.duration_s - TONE.duration_s) < 0.15


def test_a_telephones_mp3_without_tags(tmp_path: Path) -> None:
    """MPEG 2.5, as in telephony: it begins with its first frame, whose bits differ from those of music."""
    (tmp_path / "a.wav").write_bytes(TONE.to_wav())
    bare = ["-ar", "8000", "-id3v2_version", "0", "-write_xing", "0"]
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", *bare, tmp_path / "a.mp3"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    data = (tmp_path / "a.mp3").read_bytes()
    assert ffmpeg.can_read(data[:12])
    assert abs(AudioClip.from_wav(ffmpeg.to_wav(data)).duration_s - TONE.duration_s) < 0.3


@pytest.mark.parametrize("form", ffmpeg.ENCODERS)
def test_formats_that_it_encodes(form: str) -> None:
    encoded = ffmpeg.from_pcm(TONE.pcm, TONE.sample_rate, form)
    assert abs(AudioClip.from_wav(ffmpeg.to_wav(encoded)).duration_s - TONE.duration_s) < 0.15


def test_nothing_is_read_but_the_recording(tmp_path: Path) -> None:
    """Playlists refer to files and addresses: a request could read files of the panel's machine."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(TONE.to_wav())
    playlists = [
        f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
        f"[playlist]\nFile1={secret}\n",
    ]
    for playlist in playlists:
        assert not ffmpeg.can_read(playlist.encode()[:12])
        with pytest.raises(InvalidInput, match="ffmpeg cannot convert the recording"):
            ffmpeg.to_wav(playlist.encode())


def test_what_is_too_long_is_cut_a_little_above_the_limit(tmp_path: Path) -> None:
    silence = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "400"]
    subprocess.run(["ffmpeg", "-v", "error", *silence, tmp_path / "a.flac"], check=True, stdin=subprocess.DEVNULL)
    wav = ffmpeg.to_wav((tmp_path / "a.flac").read_bytes())
    assert len(wav) < (ffmpeg.MAX_SECONDS + 1) * ffmpeg.SAMPLE_RATE * 2


@pytest.mark.parametrize("data", [b"ID3" + bytes(1_000), b"OggS" + bytes(1_000), b"fLaC", b"\x1aE\xdf\xa3" * 100])
def test_a_damaged_one_says_so(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"ffmpeg cannot convert the recording: \S"):
        ffmpeg.to_wav(data)


def test_a_conversion_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "LIMIT_S", 0.001)
    with pytest.raises(InvalidInput, match="did not convert the recording within"):
        ffmpeg.to_wav(TONE.to_wav())


def test_without_ffmpeg_nothing_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not ffmpeg.is_installed()
    assert not ffmpeg.can_read(b"ID3")
