"""The parts of the OpenAI routes that need no server: errors, admission limits, WAV headers, captions, usage."""

from __future__ import annotations

import pytest

from rider_core.api import GeneratedText, Segment, Transcript
from rider_core.errors import (
    BackendUnavailable,
    InvalidInput,
    JobCancelled,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    QueueFull,
    RiderError,
    TooLarge,
    WaitTimeout,
)
from rider_core.testing.processes import Processes
from rider_core.web.openai.admission_limiter import AdmissionLimiter
from rider_core.web.openai.chat_answer import usage
from rider_core.web.openai.errors import ModelNotFound, WrongParameter, error_response
from rider_core.web.openai.transcript_formats import as_text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (WrongParameter("m", "n"), 400, "unsupported_value"),
        (InvalidInput("m"), 400, "invalid_input"),
        (JobFailed("m", cause="invalid_input"), 400, "invalid_input"),
        (ModelNotFound("m"), 404, "model_not_found"),
        (TooLarge("m"), 413, "too_large"),
        (QueueFull("m", retry_after_s=2.5), 429, "rate_limit_exceeded"),
        (JobFailed("m", cause="crashed"), 500, "crashed"),
        (JobFailed("m", cause="lost"), 500, "lost"),
        (JobCancelled("m"), 500, "job_cancelled"),
        (RiderError("m"), 500, "error"),
        (BackendUnavailable("m"), 503, "backend_unavailable"),
        (ProviderUnavailable("m"), 503, "provider_unavailable"),
        (JobFailed("m", cause="model"), 503, "model"),
        (JobExpired("m"), 503, "job_expired"),
        (WaitTimeout("m"), 504, "wait_timeout"),
    ],
)
def test_each_error_has_its_status(error: RiderError, status: int, code: str) -> None:
    response = error_response(error)
    assert (response.status, response.body["error"]["code"]) == (status, code)
    permanent = {"job_cancelled", "provider_unavailable", "model"}
    assert (response.headers.get("x-should-retry") == "false") == (code in permanent)
    assert response.headers.get("Retry-After") == ("3" if status == 429 else None)


def test_the_message_has_the_remedy() -> None:
    error = ProviderUnavailable("the model is missing", remedy="rider models pull x")
    assert error_response(error).body["error"]["message"] == "the model is missing (rider models pull x)"


def test_limits_of_requests_and_bytes() -> None:
    limiter = AdmissionLimiter(requests=2, size_bytes=100)
    first = limiter.acquire(60)
    with pytest.raises(QueueFull, match="too much is being uploaded"):
        limiter.acquire(41)
    second = limiter.acquire(40)
    second.release()
    second.release()
    third = limiter.acquire(0)
    with pytest.raises(QueueFull, match="too many requests"):
        limiter.acquire(0)
    third.release()
    first.release()
    limiter.acquire(100)


def test_captions_stay_captions() -> None:
    wild = Segment(text="one\n\n2\n00:00 --> 00:01\ntwo", start_s=3_723.4567, end_s=36_000)
    transcript = Transcript(text="x", language="en", segments=(wild,), duration_s=40_000)
    caption = "one 2 00:00 -> 00:01 two"
    assert as_text(transcript, "srt") == f"1\n01:02:03,457 --> 10:00:00,000\n{caption}\n\n"
    assert as_text(transcript, "vtt") == f"WEBVTT\n\n01:02:03.457 --> 10:00:00.000\n{caption}\n\n"


def test_usage_is_none_without_counts() -> None:
    assert usage(GeneratedText(text="x", prompt_tokens=1)) is None
    assert usage(GeneratedText(text="x", prompt_tokens=0, completion_tokens=2)) == {
        "prompt_tokens": 0,
        "completion_tokens": 2,
        "total_tokens": 2,
    }


LISTEN = """
import socket
from rider_core.web.__main__ import _listen
from rider_core.config import load_settings
with _listen(load_settings()) as listener, socket.create_connection(listener.getsockname()):
    accepted, _ = listener.accept()
    print("no delay:", accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_no_word_waits_for_the_acknowledgement_of_the_last_one(processes: Processes, mode: str) -> None:
    """Without the option the kernel may delay small pieces by 40 ms."""
    done = processes.start("-c", LISTEN, RIDER_ASYNC_MODE=mode, RIDER_WEB_PORT="0")
    assert done.wait(20) == 0, processes.log()
    assert "no delay: 1" in processes.log()
