"""What the robot asks of us over HTTP. Served by the link's process, on the one address that the robot can reach."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from flask import Flask, Response, jsonify, request
from pydantic import ConfigDict, Field

from rider_core import __version__
from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.languages import language_code
from rider_core.api.messages import Message, parse_json, parse_message
from rider_core.api.tasks import TASKS
from rider_core.api.text_generation import MAX_HISTORY, MAX_PROMPT_CHARACTERS, ChatMessage, GeneratedText
from rider_core.errors import BackendUnavailable, InvalidInput, JobExpired, JobRefused, RiderError, WaitTimeout
from rider_core.metrics import REFUSED
from rider_core.runtime.services import Services

#: The robot's documents give a text no limit of its own; who talks to a robot does not wait longer.
TEXT_TIMEOUT_S = 30.0


#: Status where a worker refused, by the code of what it raised. What else goes wrong there is a bad gateway.
STATUS_OF_CAUSE = {"invalid_input": 400, "too_large": 400, "provider_unavailable": 503, "model": 503}

Text = Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS)]
Turns = Annotated[list[ChatMessage], Field(max_length=MAX_HISTORY)]


class RobotTextRequest(Message):
    """Body of `POST /providers/text/generate` as the robot's documents have it."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="what the person said")
    max_tokens: int = Field(256, ge=1, le=8_192, description="length limit in tokens")
    temperature: float | None = Field(
        None, ge=0, le=2, description="0: always the likeliest answer; None: what suits the engine"
    )
    system_prompt: str | None = Field(
        None, max_length=MAX_PROMPT_CHARACTERS, description="how to behave; None: the robot's preset"
    )
    mode: str | None = Field(None, max_length=64, description="the robot's word for its purpose; it changes nothing")
    context: Turns | dict[str, Any] | Text | None = Field(
        None, description="what was said before, in turns; or what there is to know"
    )

    @property
    def _language(self) -> str | None:
        """That of the robot's preset: what `context.locale` says, such as `pl-PL`."""
        locale = self.context.get("locale") if isinstance(self.context, dict) else None
        return language_code(locale) if isinstance(locale, str) else None

    def payload(self, preset: str) -> dict[str, Any]:
        """That of the job. The robot's documents do not say what a context is made of; turns are taken as turns."""
        payload: dict[str, Any] = self.model_dump(include={"prompt", "max_tokens", "temperature"})
        if self.system_prompt is not None:
            payload["system_prompt"] = self.system_prompt
        else:
            payload["preset"] = preset
            payload["language"] = self._language
        if isinstance(self.context, list):
            payload["history"] = [turn.model_dump() for turn in self.context]
        elif self.context:
            known = self.context if isinstance(self.context, str) else json.dumps(self.context, ensure_ascii=False)
            payload["history"] = [{"role": "system", "content": known}]
        return payload


def create_robot_app(services: Services) -> Flask:
    """The application; it needs `services.backend` and the settings only."""
    app = Flask("rider_robot", static_folder=None, template_folder=None)

    @app.get("/providers/capabilities")
    def capabilities() -> Response:
        """The robot's probe. Any 200 is healthy to it, so this does not depend on Redis; it reads `version` alone."""
        try:
            capacity = services.backend.capacity()
        except BackendUnavailable:
            capacity = {}
        domains: dict[str, Any] = {}
        for task in TASKS.values():
            domain = domains.setdefault(task.queue, {"available": False, "tasks": []})
            if capacity.get(task.name):
                domain["available"] = True
                domain["tasks"].append(task.name)
        return jsonify({"version": __version__, "name": "rider-pc", "domains": domains})

    # The robot's documents name both.
    @app.post("/providers/text/generate")
    @app.post("/api/providers/text/generate")
    def generate() -> Response:
        asked = parse_json(RobotTextRequest, request.get_data())  # unlike Flask's parser it bounds the depth
        started = time.monotonic()
        spec = JobSpec(
            task="text.generate",
            payload=asked.payload(services.settings.robot_prompt),
            priority=Priority.HIGH,
            deadline_ts=time.time() + TEXT_TIMEOUT_S,
            retry=RetryPolicy(max_attempts=1),
            origin="robot",
        )
        record = services.backend.run(spec, TEXT_TIMEOUT_S)
        answer = parse_message(GeneratedText, record.value())
        meta = {
            "provider": record.provider,
            "mock": record.mock,
            "duration_ms": round((time.monotonic() - started) * 1000),
        }
        counted = (answer.prompt_tokens, answer.completion_tokens)
        return jsonify(
            {
                "task_id": spec.id,
                "text": answer.text,
                "meta": {**meta, "model": answer.model, "finish_reason": answer.finish_reason},
                "from_cache": answer.from_cache,
                # Not every engine counts; null says so.
                "tokens_used": None if None in counted else sum(filter(None, counted)),
            }
        )

    @app.errorhandler(RiderError)
    def explain(error: RiderError) -> tuple[Response, int]:
        if isinstance(error, InvalidInput):
            REFUSED.labels("link", error.code).inc()
            status = 400
        elif isinstance(error, BackendUnavailable | JobRefused | JobExpired | WaitTimeout):
            status = 503
        else:
            status = STATUS_OF_CAUSE.get(getattr(error, "cause", ""), 502)
        return jsonify({"detail": str(error)}), status

    return app
