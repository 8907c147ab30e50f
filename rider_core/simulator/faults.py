"""Malformed messages by name. Every subscriber must survive them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from rider_core.simulator.wire import encode

Frames = list[bytes]

#: 20 ms of silence.
_PCM = base64.b64encode(bytes(640)).decode()
_ASR = {"ts": 0.0, "rate": 16_000, "len": 640, "chunk_pcm": _PCM}
_FRAME = {"ts": 0.0, "frame_jpeg": "", "size": {"w": 320, "h": 240}}
#: In bytes: above every limit of the link, and small enough for a test.
_OVERSIZED = 24 * 1024 * 1024
_DEPTH = 100_000


def _asr(**changes: Any) -> Callable[[], Frames]:
    return lambda: encode("voice.asr.request", _changed(_ASR, changes))


def _frame(**changes: Any) -> Callable[[], Frames]:
    return lambda: encode("vision.frame.offload", _changed(_FRAME, changes))


def _speech(body: Mapping[str, Any]) -> Callable[[], Frames]:
    return lambda: encode("voice.tts.request", body)


def _changed(body: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`body` updated with `changes`; a value of `...` removes the key."""
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


#: Name to the maker of the message's frames. They are made when they are sent, so that large ones are not kept.
MALFORMED: dict[str, Callable[[], Frames]] = {
    # framing
    "no_json": lambda: [b"voice.asr.request", b"this is not json"],
    "no_json_single": lambda: [b"voice.asr.request this is not json"],
    "topic_only_single": lambda: [b"voice.asr.request"],
    "empty_message": lambda: [b""],
    "empty_body": lambda: [b"voice.asr.request", b""],
    "three_frames": lambda: [b"voice.asr.request", b"{}", b"more"],
    "not_utf8": lambda: [b"voice.asr.request", b'{"ts": "\xff\xfe"}'],
    "topic_not_utf8": lambda: [b"voice.\xff\xfe", b"{}"],
    "topic_unknown": lambda: [b"voice.asr.request.something.else", b"{}"],
    "topic_huge": lambda: [b"voice." + b"x" * 100_000, b"{}"],
    # JSON
    "json_list": lambda: [b"voice.asr.request", b"[1, 2, 3]"],
    "json_null": lambda: [b"voice.asr.request", b"null"],
    "json_deep": lambda: [b"voice.asr.request", b"[" * _DEPTH + b"]" * _DEPTH],
    "json_deep_single": lambda: [b"voice.asr.request " + b"[" * _DEPTH + b"]" * _DEPTH],
    "json_long_number": lambda: [b"voice.asr.request", b'{"ts": ' + b"9" * 5_000 + b"}"],
    "oversized": lambda: [b"voice.asr.request", b'{"chunk_pcm": "' + b"A" * _OVERSIZED + b'"}'],
    "oversized_single": lambda: [b'voice.asr.request {"chunk_pcm": "' + b"A" * _OVERSIZED + b'"}'],
    # sound
    "asr_no_chunk": _asr(chunk_pcm=...),
    "asr_no_rate": _asr(rate=...),
    "asr_no_ts": _asr(ts=...),
    "asr_no_base64": _asr(chunk_pcm="!!! this is not base64 !!!"),
    "asr_chunk_number": _asr(chunk_pcm=12345),
    "asr_empty": _asr(chunk_pcm="", len=0),
    "asr_odd_length": _asr(chunk_pcm=base64.b64encode(bytes(641)).decode(), len=641),
    "asr_length_lies": _asr(len=320),
    "asr_rate_zero": _asr(rate=0),
    "asr_rate_negative": _asr(rate=-16_000),
    "asr_rate_text": _asr(rate="16000 Hz"),
    "asr_rate_nan": _asr(rate=float("nan")),
    "asr_rate_huge": _asr(rate=10**12),
    "asr_ts_nan": _asr(ts=float("nan")),
    "asr_ts_text": _asr(ts="now"),
    # pictures
    "frame_no_jpeg": _frame(frame_jpeg=...),
    "frame_empty": _frame(),
    "frame_no_base64": _frame(frame_jpeg="!!!"),
    "frame_no_picture": _frame(frame_jpeg=base64.b64encode(b"GIF89a, honestly").decode()),
    "frame_size_text": _frame(frame_jpeg="AAAA", size="large"),
    "frame_ts_infinite": _frame(frame_jpeg="AAAA", ts=float("inf")),
    # speech
    "tts_no_text": _speech({}),
    "tts_empty": _speech({"text": ""}),
    "tts_blank": _speech({"text": "  \n "}),
    "tts_number": _speech({"text": 5}),
    "tts_long": _speech({"text": "bardzo " * 3_000}),
    "tts_nul": _speech({"text": "a\0b"}),
    "tts_voice_unknown": _speech({"text": "hello", "voice": "no such voice"}),
    "tts_voice_path": _speech({"text": "hello", "voice": "../../../etc/passwd"}),
    "tts_surrogate": lambda: [b"voice.tts.request", b'{"text": "\\ud800"}'],
    # state
    "state_wrong_types": lambda: encode("provider.voice.state", {"mode": 7, "status": [], "ts": "?"}),
    "state_markup": lambda: encode("ui.state", {"state": "<img src=x onerror=alert(1)>"}),
}
