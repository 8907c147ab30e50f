"""Untrusted requests and audio: limits before decoding, and errors that name the value."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc

import pytest

from rider_core.api import AudioClip, DetectRequest, SynthesizeRequest, TranscribeRequest
from rider_core.api.messages import Message, check_json_parts, decode_base64, encode_base64, parse_message
from rider_core.errors import InvalidInput, TooLarge

PCM = struct.pack("<4h", 1, -2, 3, -4)


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
        (TranscribeRequest, {}, "audio: it is missing$"),
        (TranscribeRequest, {"audio": 7}, "audio: .*got 7"),
        (TranscribeRequest, {"audio": "AAAA", "language": "polish"}, "language: .*'polish'"),
        (TranscribeRequest, {"audio": "AAAA", "sample_rate": 1}, "sample_rate: .*got 1"),
        (TranscribeRequest, {"audio": "AAAA", "sample_rate": float("nan")}, "sample_rate: .*nan"),
        (TranscribeRequest, {"audio": "AAAA", "format": "mp3"}, "format: .*'mp3'"),
        (TranscribeRequest, {"audio": "AAAA", "loud": True}, "loud: there is no such field, only audio, format, "),
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
def test_malformed_base64_is_refused(audio: str) -> None:
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


class TestJsonOfManyParts:
    """4 MB of keys take 100 MB in memory."""

    @pytest.mark.parametrize(
        "data",
        [
            b"{" + b",".join(b'"k%d":1' % number for number in range(300_000)) + b"}",
            b"[" + b"[]," * 150_000 + b"1]",
            b"[" + b"1," * 250_000 + b"1]",
            b"{" * 250_000,
        ],
        ids=["keys", "lists", "numbers", "depth"],
    )
    def test_is_refused_before_it_is_read(self, data: bytes) -> None:
        with pytest.raises(TooLarge, match=r"parts, the limit is 200000"):
            check_json_parts(data)

    def test_long_conversations_and_sound_pass(self) -> None:
        turn = {"role": "user", "content": 'Well, then: what, pray, is "this"? ' * 8}
        check_json_parts(json.dumps([turn] * 3_000).encode())
        check_json_parts(json.dumps({"audio": "A" * 40_000_000}).encode())
