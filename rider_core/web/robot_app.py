"""What the robot asks of us over HTTP. Served by the link's process, on the one address that the robot can reach."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, jsonify, request
from pydantic import ConfigDict, Field

from rider_core import __version__
from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.messages import Message, parse_message
from rider_core.api.tasks import TASKS
from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS
from rider_core.errors import BackendUnavailable, InvalidInput, JobExpired, JobRefused, RiderError, WaitTimeout
from rider_core.metrics import REFUSED
from rider_core.runtime.services import Services

#: The robot's documents give a text no limit of its own; who talks to a robot does not wait longer.
TEXT_TIMEOUT_S = 30.0


class RobotTextRequest(Message):
    """Body of `POST /providers/text/generate` as the robot's documents have it."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="what the person said")
    max_tokens: int = Field(256, ge=1, le=8_192, description="length limit in tokens")
    temperature: float = Field(0.7, ge=0, le=2, description="0: always the likeliest answer")
    system_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARACTERS, description="how to behave")


def create_robot_app(services: Services) -> Flask:
    """The application; it needs `services.backend` only."""
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

    @app.post("/providers/text/generate")
    def generate() -> Response:
        asked = parse_message(RobotTextRequest, request.get_json(silent=True))
        started = time.monotonic()
        spec = JobSpec(
            task="text.generate",
            payload=asked.model_dump(exclude_none=True),
            priority=Priority.HIGH,
            deadline_ts=time.time() + TEXT_TIMEOUT_S,
            retry=RetryPolicy(max_attempts=1),
            origin="robot",
        )
        record = services.backend.run(spec, TEXT_TIMEOUT_S)
        text = str(record.value()["text"])
        meta = {
            "provider": record.provider,
            "mock": record.mock,
            "duration_ms": round((time.monotonic() - started) * 1000),
        }
        # No tokenizer is asked here, so the number of tokens is not known; null says so.
        return jsonify({"task_id": spec.id, "text": text, "meta": meta, "from_cache": False, "tokens_used": None})

    @app.errorhandler(RiderError)
    def explain(error: RiderError) -> tuple[Response, int]:
        if isinstance(error, InvalidInput):
            REFUSED.labels("link", error.code).inc()
            status = 400
        elif isinstance(error, BackendUnavailable | JobRefused | JobExpired | WaitTimeout):
            status = 503
        else:
            status = 503 if getattr(error, "cause", "") == "provider_unavailable" else 502
        return jsonify({"detail": str(error)}), status

    return app
