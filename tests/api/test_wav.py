"""WAV files of real programs: unknown lengths, all sample formats, and files of other types."""

from __future__ import annotations

import io
import struct
import time
import wave

import numpy as np
import pytest

from rider_core.api import AudioClip
from rider_core.api.wav import MAX_CHUNKS, endless_header, wav_bytes
from rider_core.errors import InvalidInput, TooLarge

PCM = struct.pack("<8h", 1, -2, 3, -4, 5000, -6000, 32767, -32768)
TAGS = b"LIST" + struct.pack("<I", 4) + b"INFO"


def wav(
    samples: bytes = PCM, *, encoding: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16, **lengths: int
) -> bytes:
    """A file with this header; `data` and `riff` are the lengths in it."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", encoding, channels, rate, rate * block, block, bits)
    if encoding == 0xFFFE:
        form += struct.pack("<HHIH14s", 22, bits, 0, 1, bytes.fromhex("000000001000800000aa00389b71"))
    return (
        b"RIFF"
        + struct.pack("<I", lengths.get("riff", 36 + len(samples)))
        + b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", lengths.get("data", len(samples)))
        + samples
    )


def test_a_file_is_read_and_written_alike() -> None:
    clip = AudioClip.from_wav(wav_bytes(PCM, 22_050, 2))
    assert (clip.pcm, clip.sample_rate, clip.channels, clip.frames) == (PCM, 22_050, 2, 4)
    assert AudioClip.from_wav(clip.to_wav()) == clip


class TestLengths:
    @pytest.mark.parametrize("data", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0, 17, 1_000_000])
    @pytest.mark.parametrize("riff", [0, 0xFFFFFFFF, 0x7FFFF024, 4])
    def test_an_unknown_or_too_large_length_is_the_rest_of_the_file(self, data: int, riff: int) -> None:
        assert AudioClip.from_wav(wav(data=data, riff=riff)).pcm == PCM

    def test_chunks_after_the_samples_are_ignored(self) -> None:
        assert AudioClip.from_wav(wav() + TAGS).pcm == PCM
        assert AudioClip.from_wav(wav(data=8) + TAGS).pcm == PCM[:8]

    @pytest.mark.parametrize("after", [12, 36], ids=["before the format", "before the sound"])
    @pytest.mark.parametrize("fill", [b"", b"\0"], ids=["without", "with"])
    def test_tags_of_an_odd_length_with_and_without_the_byte_that_fills_them_up(self, after: int, fill: bytes) -> None:
        odd = b"LIST" + struct.pack("<I", 13) + b"INFOISFT\1\0\0\0x" + fill
        assert AudioClip.from_wav(wav()[:after] + odd + wav()[after:]).pcm == PCM

    def test_a_sound_that_is_cut_off_ends_with_its_last_whole_frame(self) -> None:
        assert AudioClip.from_wav(wav(channels=2)[:-3]).pcm == PCM[:-4]

    def test_a_file_without_samples_has_none(self) -> None:
        for empty in (wav(b""), wav(b"") + TAGS):
            with pytest.raises(InvalidInput, match="no samples"):
                AudioClip.from_wav(empty)

    def test_our_own_stream_is_read_by_us_and_by_others(self) -> None:
        streamed = endless_header(22_050) + PCM
        assert AudioClip.from_wav(streamed) == AudioClip(PCM, 22_050)
        with wave.open(io.BytesIO(streamed)) as reader:
            assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (22_050, 1, 2)
            assert reader.readframes(2**30) == PCM


class TestForms:
    @pytest.mark.parametrize("channels", [1, 2, 4])
    def test_extensible(self, channels: int) -> None:
        clip = AudioClip.from_wav(wav(encoding=0xFFFE, channels=channels))
        assert (clip.pcm, clip.channels) == (PCM, channels)

    @pytest.mark.parametrize("container", [b"RF64", b"BW64"])
    def test_containers_of_64_bits(self, container: bytes) -> None:
        sizes = b"ds64" + struct.pack("<I", 28) + bytes(28)
        whole = wav(data=0xFFFFFFFF, riff=0xFFFFFFFF)
        assert AudioClip.from_wav(container + whole[4:12] + sizes + whole[12:]).pcm == PCM

    @pytest.mark.parametrize(
        ("samples", "encoding", "bits", "read"),
        [
            (bytes([0, 128, 255]), 1, 8, [-32768, 0, 32512]),
            (b"\x00\x01\x00" + b"\xff\xff\xff" + b"\x00\x00\x80", 1, 24, [1, -1, -32768]),
            (struct.pack("<3i", 65_536, -1, -(2**31)), 1, 32, [1, -1, -32768]),
            (struct.pack("<4f", 0.5, -1.5, float("nan"), float("inf")), 3, 32, [16383, -32767, 0, 32767]),
            (struct.pack("<2d", 1.0, -0.5), 3, 64, [32767, -16383]),
            (bytes([0xFF, 0x7F, 0x00, 0x80, 0xE3]), 7, 8, [0, 0, -32124, 32124, 324]),
            (bytes([0xD5, 0x55, 0xAA, 0x2A, 0x80]), 6, 8, [8, -8, 32256, -32256, 5504]),
        ],
        ids=["8 bit", "24 bit", "32 bit", "float", "double", "mu-law", "A-law"],
    )
    def test_other_widths_become_16_bits(self, samples: bytes, encoding: int, bits: int, read: list[int]) -> None:
        clip = AudioClip.from_wav(wav(samples, encoding=encoding, bits=bits))
        assert np.frombuffer(clip.pcm, "<i2").tolist() == read

    @pytest.mark.parametrize(
        ("file", "message"),
        [
            (wav(bits=12), "samples of 12 bits"),
            (wav(encoding=3), "samples of 16 bits"),
            (wav(encoding=2, bits=4), r"compressed \(ADPCM\)"),
            (wav(encoding=999), r"compressed \(format 999\)"),
            (wav(channels=0), "0 channels"),
            (wav(rate=0), "sample_rate is 0 Hz"),
            (wav(rate=2_000_000_000), "sample_rate is 2000000000 Hz"),
            (wav(PCM * 100, channels=200), "channels is 200"),
            (wav()[:30], "format is cut off"),
            (wav()[:36], "no sound among"),
            (wav()[:12] + wav()[36:], "sound before its format"),
            (wav()[:16] + struct.pack("<I", 8) + wav()[20:28] + wav()[36:], "format is cut off"),
        ],
    )
    def test_an_unsupported_format_is_named(self, file: bytes, message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            AudioClip.from_wav(file)


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("head", "name"),
        [
            (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG picture"),
            (b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG picture"),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP picture"),
            (b"ID3\x04" + bytes(20), "an MP3 sound"),
            (b"\xff\xe3\x18\xc4" + bytes(20), "an MP3 sound"),
            (b"OggS" + bytes(20), "an Ogg sound"),
            (b"\x00\x00\x00\x24ftypheic", "a HEIC picture"),
            (b"riff\x2e\x91\xcf\x11\xa5\xd6", "a Wave64 sound"),
            (b"\x00\x00\x00\x20ftypM4A ", "an M4A sound"),
            (b"fLaC" + bytes(20), "a FLAC sound"),
            (b"RIFX" + wav()[4:], "other byte order"),
            (b"<!DOCTYPE html>", "a text that begins with '<!DOCTYPE ht'"),
            (b"", "an empty file"),
            (b"\x00\x01\x02\x03", r"begins with b'\\x00\\x01\\x02\\x03'"),
        ],
    )
    def test_are_named(self, head: bytes, name: str) -> None:
        with pytest.raises(InvalidInput, match=name) as refusal:
            AudioClip.from_wav(head)
        assert "ffmpeg" in (refusal.value.remedy or "")


class TestAttacks:
    def test_the_number_of_chunks_is_limited(self) -> None:
        empty = b"junk" + bytes(4)
        assert AudioClip.from_wav(wav()[:12] + empty * (MAX_CHUNKS - 2) + wav()[12:]).pcm == PCM
        file = wav()[:12] + empty * 2_000_000 + wav()[12:]
        began = time.process_time()
        with pytest.raises(InvalidInput, match="no sound among its first 64 chunks"):
            AudioClip.from_wav(file)
        assert time.process_time() - began < 0.1

    def test_hours_are_refused_before_they_are_decoded(self) -> None:
        with pytest.raises(TooLarge, match=r"lasts 400\.0 s, the limit is 300 s"):
            AudioClip.from_wav(wav(bytes(400 * 8_000), encoding=7, bits=8, rate=8_000))

    @pytest.mark.parametrize("seed", range(20))
    def test_noise_in_the_header_is_an_error_of_ours_or_a_clip(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(200):
            file = bytearray(wav(encoding=int(random.choice([1, 3, 6, 0xFFFE]))))
            for place in random.integers(12, 48, random.integers(1, 6)):
                file[place] = random.integers(0, 256)
            try:
                AudioClip.from_wav(bytes(file))
            except (InvalidInput, TooLarge):
                continue
