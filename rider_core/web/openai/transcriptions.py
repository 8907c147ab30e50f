"""`/v1/audio/transcriptions`: transcribes a recording."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import ConfigDict, Field

from rider_core.api.audio import AudioClip
from rider_core.api.file_types import file_type
from rider_core.api.languages import Language
from rider_core.api.messages import Message, encode_base64, parse_message
from rider_core.api.speech_to_text import TranscribeRequest, Transcript
from rider_core.api.wav import HEAD_BYTES, is_wav
from rider_core.errors import InvalidInput, TooLarge
from rider_core.jobs import MAX_JOB_BYTES
from rider_core.runtime import ffmpeg
from rider_core.runtime.services import Services
from rider_core.web.openai.chat_request import MAX_MODEL_ID
from rider_core.web.openai.client_connection import ClientConnection
from rider_core.web.openai.directory import ModelDirectory
from rider_core.web.openai.errors import WrongParameter
from rider_core.web.openai.headers import answer_headers
from rider_core.web.openai.job_request import JobRequest
from rider_core.web.openai.requests import parse_fields, refuse_unless
from rider_core.web.openai.transcript_formats import TEXT_TYPES, as_json, as_text

TASK = "voice.transcribe"
#: The audio must fit into a job in base64, with 64 KiB for the job's other fields; the form has fields of its own, too.
MAX_AUDIO_BYTES = (MAX_JOB_BYTES - 64 * 1024) * 3 // 4
MAX_UPLOAD_BYTES = MAX_AUDIO_BYTES + 64 * 1024
#: For a panel without ffmpeg; with it the panel converts the recording itself.
_REMEDY = "send WAV: ffmpeg -i RECORDING -ac 1 -ar 16000 recording.wav"
_GRANULARITIES = "timestamp_granularities[]"
_NEUTRAL_VALUES = {"stream": ("false", "False", "0"), "include[]": (), "include": ()}


class TranscriptionForm(Message):
    """Fields of `POST /v1/audio/transcriptions`, without the file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str = Field(min_length=1, max_length=MAX_MODEL_ID, description="`whisper-1`, or an engine's name")
    language: Language | None = Field(None, description="a tag such as pl or pl-PL; None: detect it")
    response_format: Literal["json", "verbose_json", "text", "srt", "vtt"] = Field("json", description="of the answer")

    @property
    def ignored(self) -> set[str]:
        """Fields that are unknown here, or advisory (prompt, temperature): our providers do not use them."""
        return set(self.model_extra or {}) - set(_NEUTRAL_VALUES) - {_GRANULARITIES}


def add_transcriptions(routes: Blueprint, services: Services, directory: ModelDirectory) -> None:
    @routes.post("/audio/transcriptions")
    def transcribe() -> Response:
        form = _form()
        model_info = directory.find(TASK, form.model)
        client_connection = ClientConnection(request.environ)
        job_request = JobRequest(
            services, client_connection, TASK, _to_request(form.language), model_info.provider, stream=False
        )
        try:
            transcript = parse_message(Transcript, job_request.result().value())
        finally:
            job_request.close()
        response = _answer(transcript, form.response_format)
        response.headers.update(answer_headers(job_request.id, model_info.mock, form.ignored))
        return response


def _form() -> TranscriptionForm:
    fields = {name: value for name, value in request.form.items() if value}
    refuse_unless(fields, _NEUTRAL_VALUES, "the transcript comes whole")
    granularities = request.form.getlist(_GRANULARITIES)
    if any(value != "segment" for value in granularities):
        raise WrongParameter(
            f"timestamp_granularities has {granularities[:2]!r}", "timestamp_granularities", remedy="use segment"
        )
    return parse_fields(TranscriptionForm, fields)


def _to_request(language: str | None) -> TranscribeRequest:
    """The request for a provider, from the uploaded file."""
    upload = request.files.get("file")
    if upload is None:
        raise WrongParameter("file is missing", "file", reason="missing_required_parameter", remedy=_REMEDY)
    head = upload.stream.read(HEAD_BYTES)
    if not is_wav(head) and not ffmpeg.can_read(head):
        raise WrongParameter(f"file is no WAV file but {file_type(head)}", "file", remedy=_REMEDY)
    audio = head + upload.stream.read(MAX_AUDIO_BYTES)
    if len(audio) > MAX_AUDIO_BYTES:
        raise TooLarge(f"file has more than {MAX_AUDIO_BYTES} bytes", remedy=_REMEDY)
    try:
        if not is_wav(head):
            audio = ffmpeg.to_wav(audio)
        AudioClip.from_wav(audio)
    except TooLarge:
        raise
    except InvalidInput as error:
        raise WrongParameter(f"file: {error.message}", "file", reason="invalid_value", remedy=_REMEDY) from None
    return TranscribeRequest(audio=encode_base64(audio), format="wav", language=language)


def _answer(transcript: Transcript, form: str) -> Response:
    if form in TEXT_TYPES:
        return Response(as_text(transcript, form), content_type=TEXT_TYPES[form])
    return jsonify(as_json(transcript, verbose=form == "verbose_json"))
