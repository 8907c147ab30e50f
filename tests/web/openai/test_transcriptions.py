"""`/v1/audio/transcriptions`, asked by OpenAI's own client: Whisper's real ears, and a mock for the forms."""

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
from openai_harness import MODEL_FILE, OpenAIHarness, needed

from rider_core.api.wav import wav_bytes
from rider_core.runtime import ffmpeg
from rider_core.testing import silence_clip, tone_clip
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

SAID = "ever tried ever failed no matter try again fail again fail better"


@pytest.fixture
def tone() -> tuple[str, bytes]:
    return ("tone.wav", tone_clip(1.5).to_wav())


def hear(harness: OpenAIHarness, file: Any, **options: Any) -> Any:
    return harness.client().audio.transcriptions.create(**{"model": "echo-stt", "file": file, **options})


def test_whisper_hears_what_was_said(harness: OpenAIHarness) -> None:
    needed(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    recording = needed(harness.media / "beckett.wav", "the recording")
    with recording.open("rb") as file:
        heard = hear(harness, file, model="whisper-1", response_format="verbose_json", language="en")
    assert re.sub(r"[^\w ]", "", heard.text.lower()) == SAID
    assert heard.language == "en"
    assert heard.segments
    assert 0 <= heard.segments[0].start < heard.segments[-1].end <= heard.duration
    assert heard.segments[0].avg_logprob is None, "nobody tells it, so nobody makes it up"
    assert "mock" not in heard.model_extra


def test_what_we_say_we_hear(harness: OpenAIHarness) -> None:
    """Our own WAV file does not say how long it is; it can be sent back as it came."""
    needed(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    said = harness.client().audio.speech.create(model="tts-1", voice="en-us", input="Where is the kitchen?").content
    heard = hear(harness, ("said.wav", said), model="whisper-1", language="en")
    assert "kitchen" in heard.text.lower()


def test_nobody_spoke(harness: OpenAIHarness) -> None:
    needed(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    silence = ("silence.wav", silence_clip(1.0).to_wav())
    heard = hear(harness, silence, model="whisper-1")
    assert (heard.text, heard.model_extra["no_speech"]) == ("", True)


def test_every_form(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    sentence = "This is a mock transcript of 1.5 seconds of sound."
    heard = hear(harness, tone)
    assert (heard.text, heard.model_extra["mock"]) == (sentence, True)
    verbose = hear(harness, tone, response_format="verbose_json", timestamp_granularities=["segment"])
    assert (verbose.duration, verbose.segments[0].text, verbose.segments[0].end) == (1.5, sentence, 1.5)
    assert hear(harness, tone, response_format="text") == sentence + "\n"
    assert hear(harness, tone, response_format="srt") == f"1\n00:00:00,000 --> 00:00:01,500\n{sentence}\n\n"
    assert hear(harness, tone, response_format="vtt") == f"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n{sentence}\n\n"


@pytest.mark.parametrize("tag", ["pl-PL", "PL", "pl_PL.UTF-8"])
def test_a_language_is_named_by_any_tag(harness: OpenAIHarness, tone: tuple[str, bytes], tag: str) -> None:
    assert hear(harness, tone, response_format="verbose_json", language=tag).language == "pl"


def test_advice_is_not_taken_and_that_is_said(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    raw = harness.client().audio.transcriptions.with_raw_response.create(
        model="echo-stt", file=tone, prompt="Names: Ada", temperature=0.2
    )
    assert raw.headers["x-rider-ignored"] == "prompt, temperature"
    assert raw.headers["x-rider-mock"] == "1"


@pytest.mark.parametrize(
    ("param", "asked"),
    [
        ("language", {"language": "english"}),
        ("response_format", {"response_format": "diarized_json"}),
        ("timestamp_granularities", {"timestamp_granularities": ["word"]}),
        ("stream", {"stream": True}),
        ("include[]", {"include": ["logprobs"]}),
        ("model", {"model": ""}),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    harness: OpenAIHarness, tone: tuple[str, bytes], param: str, asked: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        hear(harness, tone, **asked)
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
def test_what_is_no_sound_is_refused_before_it_is_a_job(harness: OpenAIHarness, file: bytes) -> None:
    before = sum(figures.accepted for figures in harness.backend.figures())
    with pytest.raises(openai.APIStatusError) as refusal:
        hear(harness, ("recording.wav", file))
    assert refusal.value.status_code in (400, 413)
    if refusal.value.status_code == 400:
        assert refusal.value.param == "file"
        assert "ffmpeg" in str(refusal.value)
    assert sum(figures.accepted for figures in harness.backend.figures()) == before


def test_another_form_of_sound_goes_through_ffmpeg(harness: OpenAIHarness) -> None:
    tone = tone_clip(2.0)
    for form in ffmpeg.ENCODERS:
        heard = hear(harness, (f"recording.{form}", ffmpeg.from_pcm(tone.pcm, tone.sample_rate, form)))
        assert re.fullmatch(r"This is a mock transcript of (2\.\d|1\.9) seconds of sound\.", heard.text), form
    with pytest.raises(openai.BadRequestError, match="ffmpeg cannot convert the recording") as refusal:
        hear(harness, ("recording.mp3", b"ID3\x04" + bytes(1_000)))
    assert refusal.value.code == "invalid_value"


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture"), (b"#EXTM3U\n" + b"x" * 90, "a text that begins")],
)
def test_what_is_no_sound_is_not_given_to_ffmpeg(harness: OpenAIHarness, head: bytes, what: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"no WAV file but {what}") as refusal:
        hear(harness, ("recording.mp3", head))
    assert refusal.value.code == "unsupported_value"


def test_a_file_is_needed(harness: OpenAIHarness) -> None:
    response = harness.post("/audio/transcriptions", data={"model": "echo-stt"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "file")


def test_a_long_recording_fits(harness: OpenAIHarness) -> None:
    """Four minutes in CD quality: 42 MB."""
    heard = hear(harness, ("long.wav", wav_bytes(bytes(240 * 176_400), 44_100, channels=2)))
    assert heard.text == "This is a mock transcript of 240.0 seconds of sound."


def test_one_that_is_too_large_is_not_read(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.APIStatusError) as refusal:
        hear(harness, ("huge.wav", bytes(51_000_000)))
    assert (refusal.value.status_code, refusal.value.code) == (413, "too_large")


def test_one_that_says_that_it_is_endless_is_not_waited_for(harness: OpenAIHarness) -> None:
    """It would find no room, and be told to try again for ever."""
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
            """One that sends nothing for a second would give way."""
            while not over.wait(0.2):
                for upload in list(in_flight):
                    with suppress(OSError):
                        upload.send(b"x" * 100)

        threading.Thread(target=go_on, daemon=True).start()

        def refused() -> bool:
            """An upload that came while one before it still had the room was refused itself: another is begun."""
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
            hear(harness, ("large.wav", bytes(40_000_000)))
        assert hear(harness, tone).text, "there is room for a small one"
    wait_until(lambda: large(harness).status_code == 400, what="room for another")


def large(harness: OpenAIHarness) -> httpx.Response:
    """A large upload that is wrong: 400 where there is room for it."""
    return harness.post("/audio/transcriptions", data={"model": "echo-stt"}, files={"file": bytes(40_000_000)})


def refuses(harness: OpenAIHarness, tone: tuple[str, bytes]) -> bool:
    try:
        hear(harness, tone)
    except openai.RateLimitError:
        return True
    return False


def test_a_busy_queue_asks_for_patience(harness: OpenAIHarness, tone: tuple[str, bytes]) -> None:
    harness.panel.connection.config_set("maxmemory", "100kb")
    try:
        with pytest.raises(openai.RateLimitError, match="Redis") as refusal:
            wait_until(lambda: not hear(harness, tone), what="a refusal")
    finally:
        harness.panel.connection.config_set("maxmemory", "0")
        wait_until(lambda: not refuses(harness, tone), what="that the panel knows of it")
    assert int(refusal.value.response.headers["retry-after"]) > 0
    assert json.loads(refusal.value.response.text)["error"]["type"] == "rate_limit_error"
