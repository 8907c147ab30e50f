"""Requests and sound from outside: limits before decoding, and an error that names the value."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest

from rider_core.api import AudioClip, DetectRequest, SynthesizeRequest, TranscribeRequest
from rider_core.api.audio import wav_bytes
from rider_core.api.messages import Message, decode_base64, encode_base64, parse_message
from rider_core.errors import InvalidInput, TooLarge

PCM = struct.pack("<4h", 1, -2, 3, -4)


def wav(**changes: int) -> bytes:
    """A WAV file of four frames whose header says what `changes` say."""
    header = {
        "channels": 1,
        "rate": 16_000,
        "bits": 16,
        "data": len(PCM),
        "riff": 36 + len(PCM),
        "format": 1,
        **changes,
    }
    block = header["channels"] * header["bits"] // 8
    return (
        struct.pack("<4sI4s4sI", b"RIFF", header["riff"], b"WAVE", b"fmt ", 16)
        + struct.pack(
            "<HHIIHH",
            header["format"],
            header["channels"],
            header["rate"],
            header["rate"] * block,
            block,
            header["bits"],
        )
        + struct.pack("<4sI", b"data", header["data"])
        + PCM
    )


def test_a_wav_file_is_read_and_written_alike() -> None:
    clip = AudioClip.from_wav(wav_bytes(PCM, 22_050, 2))
    assert (clip.pcm, clip.sample_rate, clip.channels, clip.frames) == (PCM, 22_050, 2, 2)
    assert AudioClip.from_wav(clip.to_wav()) == clip


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a WAV file"),
        (b"RIFF", "not a WAV file"),
        (b"not sound at all", "not a WAV file"),
        (wav()[:30], "not a WAV file"),
        (wav(bits=8), "8-bit samples"),
        (wav(bits=24), "24-bit samples"),
        (wav(format=3), "not a WAV file"),
        (wav(rate=0), "sample_rate is 0 Hz"),
        (wav(rate=2_000_000_000), "sample_rate is 2000000000 Hz"),
        (wav(channels=0), "not a WAV file"),
        (wav(channels=200, data=800), "header promises|channels is 200|no samples"),
        (wav(data=0xFFFFFFFF, riff=0xFFFFFFFF), "header promises 2147483647 frames"),
        (wav(data=0), "no samples"),
        (wav(riff=38), "outer length leaves room for"),
        (wav()[:12] + b"junk\0\0\0\0" * 2_000_000 + wav()[12:], "no sound among its first 64 chunks"),
    ],
)
def test_a_header_that_lies_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        AudioClip.from_wav(data)


@pytest.mark.parametrize(
    ("pcm", "channels", "message"),
    [(b"", 1, "no samples"), (b"abc", 1, "3 bytes, not whole frames"), (PCM[:6], 2, "6 bytes, not whole frames of 2")],
)
def test_odd_lengths_are_refused(pcm: bytes, channels: int, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        AudioClip(pcm, 16_000, channels)


def test_a_clip_of_hours_is_too_large() -> None:
    with pytest.raises(TooLarge, match=r"lasts 400\.0 s, the limit is 300 s"):
        AudioClip(bytes(4_000 * 2 * 400), 4_000)


@pytest.mark.parametrize(
    ("request_type", "body", "message"),
    [
        (TranscribeRequest, {}, "audio: Field required"),
        (TranscribeRequest, {"audio": 7}, "audio: .*got 7"),
        (TranscribeRequest, {"audio": "AAAA", "language": "polish"}, "language: .*'polish'"),
        (TranscribeRequest, {"audio": "AAAA", "sample_rate": 1}, "sample_rate: .*got 1"),
        (TranscribeRequest, {"audio": "AAAA", "sample_rate": float("nan")}, "sample_rate: .*nan"),
        (TranscribeRequest, {"audio": "AAAA", "format": "mp3"}, "format: .*'mp3'"),
        (TranscribeRequest, {"audio": "AAAA", "loud": True}, "loud: Extra inputs"),
        (TranscribeRequest, None, "the message: .*None"),
        (TranscribeRequest, [1], "the message: .*a list of 1"),
        (SynthesizeRequest, {"text": "x" * 20_000}, "text: .*5000 characters"),
        (SynthesizeRequest, {"text": "hello", "rate": 10_000}, "rate: .*450"),
        (DetectRequest, {"image": "AAAA", "captured_ts": float("inf")}, "captured_ts: .*finite"),
    ],
)
def test_a_request_that_does_not_fit_names_its_field(request_type: type[Message], body: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_message(request_type, body)


@pytest.mark.parametrize("audio", ["%%%", "AAA", "A A A A", "żółw"])
def test_what_is_no_base64_is_refused(audio: str) -> None:
    with pytest.raises(InvalidInput, match="audio is not base64"):
        TranscribeRequest(audio=audio).clip()


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = "A" * (200 * 1024 * 1024)
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(InvalidInput, match=r"audio: .*at most"):
        parse_message(TranscribeRequest, {"audio": bomb})
    with pytest.raises(TooLarge, match="the limit is 1000"):
        decode_base64(bomb, max_bytes=1000, name="audio")
    assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024
    tracemalloc.stop()
    assert time.monotonic() - started < 1


def test_base64_there_and_back() -> None:
    assert decode_base64(encode_base64(PCM), max_bytes=len(PCM), name="audio") == PCM
