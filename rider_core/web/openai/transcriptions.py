"""`/v1/audio/transcriptions`: a recording in, the words out."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import ConfigDict, Field

from rider_core.api.audio import AudioClip
from rider_core.api.messages import Message, encode_base64, parse_message
from rider_core.api.speech_to_text import LANGUAGE_PATTERN, TranscribeRequest, Transcript
from rider_core.errors import InvalidInput, TooLarge
from rider_core.jobs.ledger.backend import MAX_JOB_BYTES
from rider_core.runtime.services import Services
from rider_core.web.openai.caller import Caller
from rider_core.web.openai.chat_request import MAX_MODEL_ID
from rider_core.web.openai.directory import ModelDirectory, Offer
from rider_core.web.openai.errand import Errand
from rider_core.web.openai.errors import WrongParameter
from rider_core.web.openai.mocks import mock_header
from rider_core.web.openai.requests import ignored_header, parse_fields, refuse_unless
from rider_core.web.openai.transcript_formats import JSON_FORMATS, TEXT_TYPES, as_json, as_text
from rider_core.web.openai.wav import is_wav, with_true_length

TASK = "voice.transcribe"
#: In base64 it must fit into a job, beside what else is in it; and the form has other fields, and its own boundaries.
MAX_AUDIO_BYTES = (MAX_JOB_BYTES - 64 * 1024) * 3 // 4
MAX_UPLOAD_BYTES = MAX_AUDIO_BYTES + 64 * 1024
#: ffmpeg makes of anything what every engine here hears best.
_REMEDY = "send 16-bit WAV: ffmpeg -i RECORDING -ac 1 -ar 16000 recording.wav"
_SEGMENTS_ONLY = ("segment",)
_HARMLESS_VALUES = {"stream": ("false", "False", "0"), "include[]": (), "include": ()}
#: They advise an engine; none of ours takes the advice, and the header says so.
_ADVICE = ("prompt", "temperature", "chunking_strategy")


class TranscriptionForm(Message):
    """Fields of `POST /v1/audio/transcriptions`, without the file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str = Field(min_length=1, max_length=MAX_MODEL_ID, description="`whisper-1`, or an engine's name")
    language: str | None = Field(None, pattern=LANGUAGE_PATTERN, description="ISO 639-1; None: detect it")
    response_format: Literal["json", "verbose_json", "text", "srt", "vtt"] = Field("json", description="of the answer")


def add_transcriptions(routes: Blueprint, services: Services, directory: ModelDirectory) -> None:
    @routes.post("/audio/transcriptions")
    def transcribe() -> Response:
        form = _form()
        offer = directory.find(TASK, form.model)
        caller = Caller(request.environ)
        errand = Errand(services, caller, TASK, _ours(form.language), offer.provider, stream=False)
        try:
            transcript = parse_message(Transcript, errand.result().value())
        finally:
            errand.close()
        return _answer(transcript, form, offer)


def _form() -> TranscriptionForm:
    fields = dict(request.form.items())
    refuse_unless(fields, _HARMLESS_VALUES, "the transcript comes whole")
    granularities = request.form.getlist("timestamp_granularities[]")
    if any(value not in _SEGMENTS_ONLY for value in granularities):
        raise WrongParameter(
            f"timestamp_granularities has {granularities[:2]!r}", "timestamp_granularities", remedy="use segment"
        )
    known = {name: value for name, value in fields.items() if name in TranscriptionForm.model_fields and value}
    return parse_fields(TranscriptionForm, known)


def _ours(language: str | None) -> TranscribeRequest:
    """The request for a provider, from the uploaded file."""
    upload = request.files.get("file")
    if upload is None:
        raise WrongParameter("file is missing", "file", reason="missing_required_parameter", remedy=_REMEDY)
    audio = upload.read()
    if len(audio) > MAX_AUDIO_BYTES:
        raise TooLarge(f"file has {len(audio)} bytes, the limit is {MAX_AUDIO_BYTES}", remedy=_REMEDY)
    if not is_wav(audio):
        raise WrongParameter(f"file is no WAV file: it begins with {audio[:8]!r}", "file", remedy=_REMEDY)
    try:
        audio = with_true_length(audio)
        AudioClip.from_wav(audio)
    except TooLarge:
        raise
    except InvalidInput as error:
        raise WrongParameter(f"file: {error.message}", "file", reason="invalid_value", remedy=_REMEDY) from None
    return TranscribeRequest(audio=encode_base64(audio), format="wav", language=language)


def _answer(transcript: Transcript, form: TranscriptionForm, offer: Offer) -> Response:
    if form.response_format in JSON_FORMATS:
        response = jsonify(as_json(transcript, verbose=form.response_format == "verbose_json"))
    else:
        text = as_text(transcript, form.response_format)
        response = Response(text, content_type=TEXT_TYPES[form.response_format])
    ignored = [name for name in _ADVICE if request.form.get(name)]
    response.headers.update({**ignored_header(ignored), **mock_header(offer.mock)})
    return response
