"""Text generation for the robot over HTTP: few texts at once, and a text is cancelled when its client hangs up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import JobRecord, JobSpec, Priority, RetryPolicy
from rider_core.api.languages import language_code
from rider_core.api.messages import Message, parse_message
from rider_core.api.text_generation import MAX_HISTORY, MAX_PROMPT_CHARACTERS, ChatMessage, GeneratedText
from rider_core.errors import JobRefused, RiderError, WaitTimeout

#: Limit for one text, in seconds. The robot's documents have none; a person does not wait longer.
TEXT_TIMEOUT_S = 30.0
#: Texts at once: the robot's, and one for an owner's own program. More would only wait for the same worker.
MAX_TEXTS = 2
#: Interval at which the client's connection is checked, in seconds.
POLL_EVERY_S = 0.5

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
    mode: str | None = Field(None, max_length=64, description="the robot's name of the purpose; it has no effect")
    context: Turns | dict[str, Any] | Text | None = Field(
        None, description="the conversation so far, in turns; or facts for the system prompt"
    )

    def payload(self, preset: str) -> dict[str, Any]:
        """The job's payload. The robot's documents do not define a context; a list is taken as turns."""
        payload: dict[str, Any] = self.model_dump(include={"prompt", "max_tokens", "temperature"})
        if self.system_prompt is not None:
            payload["system_prompt"] = self.system_prompt
        else:
            payload["preset"] = preset
            payload["language"] = self._language
        if isinstance(self.context, list):
            payload["history"] = [turn.model_dump() for turn in self.context]
        elif self.context:
            facts = self.context if isinstance(self.context, str) else json.dumps(self.context, ensure_ascii=False)
            payload["history"] = [{"role": "system", "content": facts}]
        return payload

    @property
    def _language(self) -> str | None:
        """The language of the preset, from `context.locale`, such as `pl-PL`."""
        locale = self.context.get("locale") if isinstance(self.context, dict) else None
        return language_code(locale) if isinstance(locale, str) else None


class TextEndpoint:
    """May be used from several threads."""

    def __init__(self, backend: JobBackend, preset: str) -> None:
        self._backend = backend
        self._preset = preset
        self._slots = threading.BoundedSemaphore(MAX_TEXTS)

    def answer(self, request: RobotTextRequest, has_hung_up: Callable[[], bool]) -> dict[str, Any]:
        """Generate a text. Returns the response's body in the form that the robot's documents define.

        Args:
            has_hung_up: Whether the client has hung up; then the job is cancelled.

        Raises:
            JobRefused: `MAX_TEXTS` texts are in progress.
            JobError, InvalidInput, BackendUnavailable, WaitTimeout: the text failed; no job is left running.
        """
        if not self._slots.acquire(blocking=False):
            raise JobRefused(
                f"{MAX_TEXTS} texts are being written already", remedy="try again when one of them is done"
            )
        try:
            return self._answer(request, has_hung_up)
        finally:
            self._slots.release()

    def _answer(self, request: RobotTextRequest, has_hung_up: Callable[[], bool]) -> dict[str, Any]:
        began = time.monotonic()
        spec = JobSpec(
            task="text.generate",
            payload=request.payload(self._preset),
            priority=Priority.HIGH,
            deadline_ts=time.time() + TEXT_TIMEOUT_S,
            retry=RetryPolicy(max_attempts=1),
            origin="robot",
        )
        self._backend.submit(spec)
        record = self._wait(spec.id, began + TEXT_TIMEOUT_S, has_hung_up)
        generated = parse_message(GeneratedText, record.value())
        meta = {
            "provider": record.provider,
            "mock": record.mock,
            "duration_ms": round((time.monotonic() - began) * 1000),
        }
        tokens = (generated.prompt_tokens, generated.completion_tokens)
        return {
            "task_id": spec.id,
            "text": generated.text,
            "meta": {**meta, "model": generated.model, "finish_reason": generated.finish_reason},
            "from_cache": generated.from_cache,
            # null: the engine does not count tokens.
            "tokens_used": None if None in tokens else sum(filter(None, tokens)),
        }

    def _wait(self, job_id: str, until: float, has_hung_up: Callable[[], bool]) -> JobRecord:
        """The ended job. At `until` (monotonic), or when the client hangs up, the job is cancelled and this raises."""
        while True:
            left_s = until - time.monotonic()
            try:
                return self._backend.wait(job_id, max(0.05, min(left_s, POLL_EVERY_S)))
            except WaitTimeout:
                is_abandoned = has_hung_up()
                if not is_abandoned and left_s > POLL_EVERY_S:
                    continue
                with suppress(RiderError):
                    self._backend.cancel(job_id)
                if is_abandoned:
                    raise WaitTimeout("the client has hung up; the text is cancelled") from None
                raise
