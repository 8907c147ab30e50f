"""`/v1/audio/transcriptions` with OpenAI's own client: with Whisper, and with a mock for the formats."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import openai
import pytest
from openai_harness import MODEL_FILE, OpenAIHarness

from rider_core.api.wav import wav_bytes
from rider_core.runtime import ffmpeg
from rider_core.testing import silence_clip, tone_clip
from rider_core.testing.required_files import required_file
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

WORDS = "ever tried ever failed no matter try again fail again fail better"


@pytest.fixture
def tone() -> tuple[str, bytes]:
    return ("tone.wav", tone_clip(1.5).to_wav())


def transcribe(harness: OpenAIHarness, file: Any, **options: Any) -> Any:
    return harness.client().audio.transcriptions.create(**{"model": "echo-stt", "file": file, **options})


def test_whisper_transcribes_a_recording(harness: OpenAIHarness) -> None:
    required_file(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    recording = required_file(harness.media / "beckett.wav", "the recording")
    with recording.open("rb") as file:
        transcript = transcribe(harness, file, model="whisper-1", response_format="verbose_json", language="en")
    assert re.sub(r"[^\w ]", "", transcript.text.lower()) == WORDS
    assert transcript.language == "en"
    assert transcript.segments
    assert 0 <= transcript.segments[0].start < transcript.segments[-1].end <= transcript.duration
    assert transcript.segments[0].avg_logprob is None, "the engine does not give it"
    assert "mock" not in transcript.model_extra


def test_our_speech_is_transcribed(harness: OpenAIHarness) -> None:
    """Our WAV file has an unknown length; it can be sent back unchanged."""
    required_file(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    speech = harness.client().audio.speech.create(model="tts-1", voice="en-us", input="Where is the kitchen?").content
    transcript = transcribe(harness, ("said.wav", speech), model="whisper-1", language="en")
    assert "kitchen" in transcript.text.lower()


def test_silence(harness: OpenAIHarness) -> None:
    required_file(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    silence = ("silence.wav", silence_clip(1.0).to_wav())
    transcript = transcribe(harness, silence, model="whisper-1")
    assert (transcript.text, transcript.model_extra["no_speech"]) == ("", True)


def test_every_format(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    sentence = "This is a mock transcript of 1.5 seconds of sound."
    transcript = transcribe(harness, tone)
    assert (transcript.text, transcript.model_extra["mock"]) == (sentence, True)
    verbose = transcribe(harness, tone, response_format="verbose_json", timestamp_granularities=["segment"])
    assert (verbose.duration, verbose.segments[0].text, verbose.segments[0].end) == (1.5, sentence, 1.5)
    assert transcribe(harness, tone, response_format="text") == sentence + "\n"
    assert transcribe(harness, tone, response_format="srt") == f"1\n00:00:00,000 --> 00:00:01,500\n{sentence}\n\n"
    assert (
        transcribe(harness, tone, response_format="vtt") == f"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n{sentence}\n\n"
    )


@pytest.mark.parametrize("tag", ["pl-PL", "PL", "pl_PL.UTF-8"])
def test_a_language_is_named_by_any_tag(harness: OpenAIHarness, tone: tuple[str, bytes], tag: str) -> None:
    assert transcribe(harness, tone, response_format="verbose_json", language=tag).language == "pl"


def test_ignored_parameters_are_named(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    raw = harness.client().audio.transcriptions.with_raw_response.create(
        model="echo-stt", file=tone, prompt="Names: Ada", temperature=0.2
    )
    assert raw.headers["x-rider-ignored"] == "prompt, temperature"
    assert raw.headers["x-rider-mock"] == "1"


@pytest.mark.parametrize(
    ("param", "options"),
    [
        ("language", {"language": "english"}),
        ("response_format", {"response_format": "diarized_json"}),
        ("timestamp_granularities", {"timestamp_granularities": ["word"]}),
        ("stream", {"stream": True}),
        ("include[]", {"include": ["logprobs"]}),
        ("model", {"model": ""}),
    ],
)
def test_unsupported_parameters_are_refused_by_name(
    harness: OpenAIHarness, tone: tuple[str, bytes], param: str, options: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        transcribe(harness, tone, **options)
    assert refusal.value.param == param


def bombs() -> Iterator[tuple[str, bytes]]:
    wav = tone_clip(0.5).to_wav()
    yield "mp3", b"ID3\x04" + bytes(1_000)
    yield "empty", b""
    yield "cut", wav[:30]
    yield "no samples", wav[:44]
    yield "12 bit", wav[:34] + struct.pack("<H", 12) + wav[36:]
    yield "a million chunks", wav[:36] + b"junk\x00\x00\x00\x00" * 1_000_000 + wav[36:]
    yield "too long", wav_bytes(bytes(2 * 4_000 * 301), 4_000)


@pytest.mark.parametrize("file", [pytest.param(data, id=name) for name, data in bombs()])
def test_malformed_audio_is_refused_before_submission(harness: OpenAIHarness, file: bytes) -> None:
    before = sum(figures.accepted for figures in harness.backend.figures())
    with pytest.raises(openai.APIStatusError) as refusal:
        transcribe(harness, ("recording.wav", file))
    assert refusal.value.status_code in (400, 413)
    if refusal.value.status_code == 400:
        assert refusal.value.param == "file"
        assert "ffmpeg" in str(refusal.value)
    assert sum(figures.accepted for figures in harness.backend.figures()) == before


def test_other_audio_formats_are_converted_by_ffmpeg(harness: OpenAIHarness) -> None:
    tone = tone_clip(2.0)
    for form in ffmpeg.ENCODERS:
        transcript = transcribe(harness, (f"recording.{form}", ffmpeg.from_pcm(tone.pcm, tone.sample_rate, form)))
        assert re.fullmatch(r"This is a mock transcript of (2\.\d|1\.9) seconds of sound\.", transcript.text), form
    with pytest.raises(openai.BadRequestError, match="ffmpeg cannot convert the recording") as refusal:
        transcribe(harness, ("recording.mp3", b"ID3\x04" + bytes(1_000)))
    assert refusal.value.code == "invalid_value"


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture"), (b"#EXTM3U\n" + b"x" * 90, "a text that begins")],
)
def test_other_files_are_not_given_to_ffmpeg(harness: OpenAIHarness, head: bytes, what: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"no WAV file but {what}") as refusal:
        transcribe(harness, ("recording.mp3", head))
    assert refusal.value.code == "unsupported_value"


def test_a_file_is_required_file(harness: OpenAIHarness) -> None:
    response = harness.post("/audio/transcriptions", data={"model": "echo-stt"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "file")


def test_a_long_recording_fits(harness: OpenAIHarness) -> None:
    """Four minutes in CD quality: 42 MB."""
    transcript = transcribe(harness, ("long.wav", wav_bytes(bytes(240 * 176_400), 44_100, channels=2)))
    assert transcript.text == "This is a mock transcript of 240.0 seconds of sound."


def test_a_too_large_upload_is_not_read(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.APIStatusError) as refusal:
        transcribe(harness, ("huge.wav", bytes(51_000_000)))
    assert (refusal.value.status_code, refusal.value.code) == (413, "too_large")


def test_an_endless_content_length_is_refused_at_once(harness: OpenAIHarness) -> None:
    """It would never get a slot, and retry for ever."""
    host, port = harness.panel.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as upload:
        upload.sendall(
            f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9999999999\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
        )
        assert upload.recv(100).split(b"\r\n")[0].split()[1] == b"413"


def test_one_large_upload_at_a_time(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    host, port = harness.panel.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 50000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    over = threading.Event()
    with ExitStack() as uploads:
        uploads.callback(over.set)
        in_flight: list[socket.socket] = []

        def go_on() -> None:
            """An upload that is idle for a second would lose its slot."""
            while not over.wait(0.2):
                for upload in list(in_flight):
                    with suppress(OSError):
                        upload.send(b"x" * 100)

        threading.Thread(target=go_on, daemon=True).start()

        def refused() -> bool:
            """An upload beside an earlier one may have been refused itself: another one is started."""
            if large(harness).status_code == 429:
                return True
            upload = uploads.enter_context(socket.create_connection((host, int(port))))
            upload.sendall(head.encode())
            in_flight.append(upload)
            return False

        wait_until(refused, what="a refusal")
        refusal = large(harness)
        assert refusal.headers["retry-after"] == "1"
        assert refusal.json()["error"]["code"] == "rate_limit_exceeded"
        with pytest.raises(openai.RateLimitError, match="too much is being uploaded"):
            transcribe(harness, ("large.wav", bytes(40_000_000)))
        assert transcribe(harness, tone).text, "a small one is accepted"
    wait_until(lambda: large(harness).status_code == 400, what="a slot for another")


def large(harness: OpenAIHarness) -> httpx.Response:
    """A large malformed upload: status 400 if it gets a slot."""
    return harness.post("/audio/transcriptions", data={"model": "echo-stt"}, files={"file": bytes(40_000_000)})


def refuses(harness: OpenAIHarness, tone: tuple[str, bytes]) -> bool:
    try:
        transcribe(harness, tone)
    except openai.RateLimitError:
        return True
    return False


def test_a_full_redis_is_a_rate_limit_error(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    harness.panel.connection.config_set("maxmemory", "100kb")
    try:
        with pytest.raises(openai.RateLimitError, match="Redis") as refusal:
            wait_until(lambda: not transcribe(harness, tone), what="a refusal")
    finally:
        harness.panel.connection.config_set("maxmemory", "0")
        wait_until(lambda: not refuses(harness, tone), what="the end of the refusals")
    assert int(refusal.value.response.headers["retry-after"]) > 0
    assert json.loads(refusal.value.response.text)["error"]["type"] == "rate_limit_error"
