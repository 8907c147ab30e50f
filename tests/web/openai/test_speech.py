"""`/v1/audio/speech` with OpenAI's own client, with eSpeak NG and with an engine that waits on request."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path
from typing import Any

import openai
import pytest
from openai_harness import OpenAIHarness

from rider_core.api import AudioClip, JobState
from rider_core.runtime import ffmpeg
from rider_core.testing.waiting import wait_until
from rider_core.web.openai.errors import WrongParameter
from rider_core.web.openai.requests import parse_body
from rider_core.web.openai.speech import SpeechRequest

pytestmark = pytest.mark.slow

LONG = "Somewhere in the house a small robot looks for the cat, and finds a chair, a table and a dog instead. " * 45


def speak(harness: OpenAIHarness, text: str, **options: Any) -> bytes:
    wanted = {"model": "tts-1", "voice": "alloy", **options}
    return bytes(harness.client().audio.speech.create(input=text, **wanted).content)


def seconds(wav: bytes) -> float:
    """Of the sound in a file whose header does not know it."""
    with wave.open(io.BytesIO(wav)) as reader:
        return len(reader.readframes(2**30)) / 2 / reader.getframerate()


def test_a_text_is_spoken(harness: OpenAIHarness) -> None:
    raw = harness.client().audio.speech.with_raw_response.create(model="tts-1", voice="alloy", input="Good morning.")
    assert raw.headers["content-type"] == "audio/wav"
    assert "x-rider-mock" not in raw.headers
    wav = raw.content
    with wave.open(io.BytesIO(wav)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 22_050)
    assert 0.5 < seconds(wav) < 2
    record = harness.backend.get(raw.headers["x-request-id"])
    assert (record.task, record.provider, record.origin) == ("voice.synthesize", "espeak", "openai")


def test_raw_samples_have_24_khz(harness: OpenAIHarness) -> None:
    wav, pcm = speak(harness, "Good morning."), speak(harness, "Good morning.", response_format="pcm")
    assert len(pcm) / 2 / 24_000 == pytest.approx(seconds(wav), rel=0.02)
    assert len(wav) - 44 < len(pcm)


def test_speed_and_voice_reach_the_engine(harness: OpenAIHarness) -> None:
    usual = seconds(speak(harness, "One two three four five six seven."))
    assert seconds(speak(harness, "One two three four five six seven.", speed=2)) < 0.75 * usual
    assert speak(harness, "chrząszcz", voice="pl") != speak(harness, "chrząszcz")
    with pytest.raises(openai.BadRequestError, match="no voice 'atlantean'"):
        speak(harness, "hello", voice="atlantean")


def test_the_first_sound_comes_while_the_rest_is_spoken(harness: OpenAIHarness) -> None:
    """The real engine has a minute of sound in hardly any time; that the job still runs shows it all the same."""
    with harness.client().audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=LONG, response_format="pcm"
    ) as response:
        pieces = response.iter_bytes()
        first = next(pieces)
        state = harness.backend.get(response.headers["x-request-id"]).state
        rest = b"".join(pieces)
    assert state is JobState.RUNNING
    assert 0 < len(first) < 24_000 * 2
    assert len(rest) / 2 / 24_000 > 120


def test_a_piece_is_sent_as_soon_as_it_is_there(harness: OpenAIHarness) -> None:
    file = harness.folder / f"sing-on-{time.monotonic_ns()}"
    with harness.client().audio.speech.with_streaming_response.create(
        model="hoarse", voice="alloy", input=f"wait {file}", response_format="pcm"
    ) as response:
        pieces = response.iter_bytes()
        assert next(pieces) == bytes(3_200)
        file.touch()
        assert b"".join(pieces) == bytes([1, 0]) * 1_600


def test_it_can_be_saved_to_a_file(harness: OpenAIHarness, tmp_path: Path) -> None:
    with harness.client().audio.speech.with_streaming_response.create(
        model="echo-tts", voice="sine", input="one two three four five six seven", response_format="wav"
    ) as response:
        assert response.headers["x-rider-mock"] == "1"
        response.stream_to_file(tmp_path / "said.wav")
    assert seconds((tmp_path / "said.wav").read_bytes()) == pytest.approx(2.4)


def test_a_disconnect_stops_the_engine(harness: OpenAIHarness) -> None:
    before, cancelled = harness.notes().count("hoarse:go"), harness.cancelled
    with harness.client().audio.speech.with_streaming_response.create(
        model="hoarse", voice="alloy", input="go", response_format="pcm"
    ) as response:
        next(response.iter_bytes())
    harness.wait_for_cancelled(cancelled)
    wait_until(lambda: harness.notes().count("hoarse:go") == before + 1, what="the engine was stopped")


def test_aborted_audio_is_incomplete_for_the_client(harness: OpenAIHarness) -> None:
    with harness.client().audio.speech.with_streaming_response.create(
        model="hoarse", voice="alloy", input="break", response_format="pcm"
    ) as response:
        pieces = response.iter_bytes()
        assert next(pieces) == bytes(3_200)
        with pytest.raises(Exception, match="incomplete chunked read"):
            list(pieces)
    with pytest.raises(openai.APIConnectionError):
        speak(harness, "break", model="hoarse")


def test_an_error_before_the_first_audio_has_a_status(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.BadRequestError, match="the text is 'none'"):
        speak(harness, "none", model="hoarse")


@pytest.mark.parametrize(
    ("form", "mark"), [("mp3", b"ID3"), ("opus", b"OggS"), ("aac", b"\xff\xf1"), ("flac", b"fLaC")]
)
def test_formats_that_ffmpeg_encodes(harness: OpenAIHarness, form: str, mark: bytes) -> None:
    encoded = harness.client().audio.speech.create(
        model="tts-1",
        voice="alloy",
        input="One two three.",
        response_format=form,  # type: ignore[arg-type]
    )
    assert encoded.content.startswith(mark)
    assert encoded.response.headers["content-type"].startswith("audio/")
    again = AudioClip.from_wav(ffmpeg.to_wav(encoded.content))
    assert abs(again.duration_s - seconds(speak(harness, "One two three."))) < 0.2


def test_a_format_without_an_encoder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "is_installed", lambda: False)
    for form in ("mp3", "opus", "aac", "flac", "ogg"):
        with pytest.raises(WrongParameter, match="use wav or pcm, or install ffmpeg"):
            _ = SpeechRequest(model="tts-1", input="hello", response_format=form).form
    assert SpeechRequest(model="tts-1", input="hello").form == "wav"


@pytest.mark.parametrize(
    ("param", "options"),
    [
        ("speed", {"speed": 0.25}),
        ("speed", {"speed": 4}),
        ("speed", {"speed": 1e308}),
        ("input", {"input": ""}),
        ("input", {"input": "x" * 5_001}),
        ("voice", {"voice": "x" * 65}),
        ("instructions", {"instructions": "Sound cheerful."}),
        ("stream_format", {"stream_format": "sse"}),
    ],
)
def test_unsupported_parameters_are_refused_by_name(
    harness: OpenAIHarness, param: str, options: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        harness.client().audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "hello", **options})
    assert refusal.value.param == param


@pytest.mark.parametrize(
    "speed",
    [
        *("NaN", "-Infinity", "1e400", "-0.0", "5e-324", "1" + "0" * 400, "1" + "0" * 5_000),
        *('"1e308"', '"fast"', '"0x1"', '"nan"', "[]", "{}", '"\\ud800"'),
    ],
)
def test_a_malformed_speed_is_refused(speed: str) -> None:
    with pytest.raises(WrongParameter) as refusal:
        parse_body(SpeechRequest, f'{{"model": "tts-1", "input": "hi", "speed": {speed}}}'.encode()).to_request()
    assert refusal.value.message.startswith(("speed", "the body is not JSON"))
    assert len(refusal.value.message) < 200
    assert "pydantic" not in refusal.value.message


def test_a_text_model_does_not_speak(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.NotFoundError, match=r"voice\.synthesize"):
        speak(harness, "hello", model="patient-small")
