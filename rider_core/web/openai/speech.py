"""`/v1/audio/speech`: synthesizes a text, and streams the audio while the rest is being synthesized."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from typing import Any

from flask import Blueprint, Response, request
from pydantic import ConfigDict, Field

from rider_core.api.jobs import JobRecord
from rider_core.api.messages import Message, decode_base64, shorten
from rider_core.api.text_to_speech import MAX_RATE_WPM, MAX_TEXT_CHARACTERS, MIN_RATE_WPM, SynthesizeRequest
from rider_core.api.wav import endless_header
from rider_core.errors import JobFailed, RiderError
from rider_core.runtime import ffmpeg
from rider_core.runtime.services import Services
from rider_core.web.openai.chat_request import MAX_MODEL_ID
from rider_core.web.openai.client_connection import ClientConnection, ClientDisconnected
from rider_core.web.openai.directory import ModelDirectory
from rider_core.web.openai.errors import WrongParameter
from rider_core.web.openai.headers import answer_headers
from rider_core.web.openai.job_request import JobRequest
from rider_core.web.openai.requests import parse_body, parse_fields, refuse_unless

log = logging.getLogger(__name__)

TASK = "voice.synthesize"
#: OpenAI's voices, which are hard-coded in many tools; here they mean the provider's default voice.
#: https://platform.openai.com/docs/guides/text-to-speech
OPENAI_VOICES = frozenset(
    ["alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"]
)
#: Speed 1, in words a minute: the default of eSpeak NG.
DEFAULT_RATE_WPM = 175
#: OpenAI documents raw samples as 24 kHz, 16 bit, mono.
PCM_RATE = 24_000
#: Limit of one piece of audio: some hundred milliseconds, or the whole text from providers that do not stream.
MAX_PIECE_BYTES = 64 * 1024 * 1024
_TYPES = {
    "wav": "audio/wav",
    "pcm": f"audio/pcm;rate={PCM_RATE};channels=1;bits=16",
    **{form: content_type for form, (_, _, content_type) in ffmpeg.ENCODERS.items()},
}
_NEUTRAL_VALUES = {"instructions": ("",), "stream_format": ("audio",)}


class SpeechRequest(Message):
    """Body of `POST /v1/audio/speech`."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    model: str = Field(min_length=1, max_length=MAX_MODEL_ID, description="`tts-1`, or an engine's name")
    input: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS, description="what to say")
    voice: str | None = Field(None, max_length=64, description="a voice or language of the engine, or one of OpenAI's")
    response_format: str | None = Field(
        None, max_length=32, description="wav, pcm, and with ffmpeg mp3, opus, aac, flac; None: wav"
    )
    speed: float | None = Field(None, gt=0, description="1: the engine's own")

    @property
    def form(self) -> str:
        """A name of `_TYPES`. Without a choice it is WAV: OpenAI's default, mp3, needs ffmpeg."""
        wanted = self.response_format or "wav"
        if wanted not in _TYPES or (wanted in ffmpeg.ENCODERS and not ffmpeg.is_installed()):
            raise WrongParameter(
                f"response_format is {shorten(wanted)}; there is no encoder for it here",
                "response_format",
                remedy="use wav or pcm, or install ffmpeg on the panel's machine",
            )
        return wanted

    def to_request(self) -> SynthesizeRequest:
        """The request for a provider. Raises `WrongParameter`."""
        refuse_unless(self.model_extra or {}, _NEUTRAL_VALUES, "the engine's own style is used")
        return parse_fields(
            SynthesizeRequest,
            {
                "text": self.input,
                "voice": None if self.voice is None or self.voice.lower() in OPENAI_VOICES else self.voice,
                "rate": self._rate_wpm(),
                "sample_rate": PCM_RATE if self.form == "pcm" else None,
                # Raw samples also for WAV: the file's only header is written here.
                "format": "pcm16",
            },
        )

    def _rate_wpm(self) -> int | None:
        if self.speed is None or self.speed == 1:
            return None
        rate = self.speed * DEFAULT_RATE_WPM
        if not MIN_RATE_WPM <= rate <= MAX_RATE_WPM:
            lowest, highest = MIN_RATE_WPM / DEFAULT_RATE_WPM, MAX_RATE_WPM / DEFAULT_RATE_WPM
            raise WrongParameter(
                f"speed is {self.speed:g}, which is outside the range of intelligible speech",
                "speed",
                reason="invalid_value",
                remedy=f"use {lowest:.2f} to {highest:.2f}",
            )
        return round(rate)


def add_speech(routes: Blueprint, services: Services, directory: ModelDirectory) -> None:
    @routes.post("/audio/speech")
    def speak() -> Response:
        body = parse_body(SpeechRequest, request.get_data(cache=False))
        model_info = directory.find(TASK, body.model)
        job_request = JobRequest(
            services, ClientConnection(request.environ), TASK, body.to_request(), model_info.provider, stream=True
        )
        try:
            response = _streamed(job_request, body.form)
        except BaseException:
            job_request.close()
            raise
        ignored = set(body.model_extra or {}) - set(_NEUTRAL_VALUES)
        response.headers.update(answer_headers(job_request.id, model_info.mock, ignored))
        return response


def _streamed(job_request: JobRequest, form: str) -> Response:
    """The response is made after the first item: an error before that has an HTTP status of its own."""
    pieces = job_request.pieces()
    first = next(pieces)
    if isinstance(first, JobRecord):
        raise JobFailed(f"job {job_request.id} ended without audio")
    if form in ffmpeg.ENCODERS:
        # Encoded as a whole: an error is known at the end only, and the audio is short.
        whole = b"".join(_sound(first, pieces, "pcm"))
        encoded = ffmpeg.from_pcm(whole, int(first["sample_rate"]), form)
        job_request.close()
        return Response(encoded, content_type=_TYPES[form])
    response = Response(_sound(first, pieces, form), content_type=_TYPES[form])
    response.call_on_close(job_request.close)
    return response


def _sound(first: dict[str, Any], pieces: Iterator[dict[str, Any] | JobRecord], form: str) -> Iterator[bytes]:
    if form == "wav":
        yield endless_header(int(first["sample_rate"]))
    try:
        for piece in chain([first], pieces):
            if not isinstance(piece, JobRecord):
                yield decode_base64(piece["audio"], max_bytes=MAX_PIECE_BYTES, name="audio")
    except ClientDisconnected:
        return
    except RiderError as error:
        log.warning("streamed audio was aborted: %s", error)
        # Audio has no field for an error. Aborting the connection shows the client that it is incomplete.
        raise ConnectionAbortedError(f"the audio is incomplete: {error}") from error
