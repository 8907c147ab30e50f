"""`/v1/chat/completions`: answers a conversation, as a whole or as a stream."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from typing import Any

from flask import Blueprint, Response, jsonify, request

from rider_core.api.jobs import JobRecord
from rider_core.api.messages import parse_message
from rider_core.api.text_generation import GeneratedText, GenerateRequest, TextGenerator
from rider_core.errors import RiderError
from rider_core.runtime.services import Services
from rider_core.web.openai.chat_answer import ChatAnswer, server_sent
from rider_core.web.openai.chat_request import ChatRequest
from rider_core.web.openai.client_connection import ClientConnection, ClientDisconnected
from rider_core.web.openai.directory import ModelDirectory, ModelInfo
from rider_core.web.openai.errors import WrongParameter, error_response
from rider_core.web.openai.headers import TURNS_LEFT_OUT, answer_headers
from rider_core.web.openai.job_request import JobRequest
from rider_core.web.openai.requests import parse_body

log = logging.getLogger(__name__)

TASK = "text.generate"


def add_chat(routes: Blueprint, services: Services, directory: ModelDirectory) -> None:
    @routes.post("/chat/completions")
    def chat() -> Response:
        body = parse_body(ChatRequest, request.get_data(cache=False))
        model_info = directory.find(TASK, body.model)
        generate_request = body.to_request(model_info.model)
        _refuse_unsupported(services, model_info, generate_request)
        job_request = JobRequest(
            services,
            ClientConnection(request.environ),
            TASK,
            generate_request,
            model_info.provider,
            stream=bool(body.stream),
        )
        try:
            answer = ChatAnswer(job_request.id, model_info, body.wants_usage)
            response = _streamed(job_request, answer) if body.stream else _whole(job_request, answer)
        except BaseException:
            job_request.close()
            raise
        response.headers.update(answer_headers(job_request.id, model_info.mock, body.ignored))
        if body.turns_left_out:
            response.headers[TURNS_LEFT_OUT] = str(body.turns_left_out)
        return response


def _refuse_unsupported(services: Services, model_info: ModelInfo, generate_request: GenerateRequest) -> None:
    """Refuse a parameter that the provider does not support, before there is a job. Raises `WrongParameter`."""
    engine = services.plugins.registry.providers.get(model_info.owner)
    if engine is None or not issubclass(engine, TextGenerator):
        return
    if lacking := engine.lacks(generate_request):
        param = "tools" if lacking == "tools" else "response_format"
        raise WrongParameter(
            f"{model_info.owner} cannot honour {param}",
            param,
            remedy="leave it out, or name a model of llama or ollama",
        )


def _whole(job_request: JobRequest, answer: ChatAnswer) -> Response:
    return jsonify(answer.whole(_text(job_request.result())))


def _streamed(job_request: JobRequest, answer: ChatAnswer) -> Response:
    """The response is made after the first item: an error before that has an HTTP status of its own."""
    pieces = job_request.pieces()
    first = next(pieces)
    response = Response(_chunks(first, pieces, answer), content_type="text/event-stream; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"  # without it nginx buffers the stream
    response.call_on_close(job_request.close)
    return response


def _chunks(
    first: dict[str, Any] | JobRecord, pieces: Iterator[dict[str, Any] | JobRecord], answer: ChatAnswer
) -> Iterator[bytes]:
    yield answer.first_chunk()
    try:
        for piece in chain([first], pieces):
            yield _chunk(piece, answer)
    except ClientDisconnected:
        return
    except RiderError as error:
        log.warning("a streamed answer broke off: %s", error)
        yield server_sent(error_response(error).body)


def _chunk(piece: dict[str, Any] | JobRecord, answer: ChatAnswer) -> bytes:
    if isinstance(piece, JobRecord):
        return answer.last_chunks(_text(piece))
    return answer.next_chunk(str(piece["text"]))


def _text(record: JobRecord) -> GeneratedText:
    return parse_message(GeneratedText, record.value())
