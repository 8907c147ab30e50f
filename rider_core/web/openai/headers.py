"""Headers of an answer: the job's id, that a mock answered, and the parameters that were ignored."""

from __future__ import annotations

from collections.abc import Iterable

MOCK, IGNORED = "X-Rider-Mock", "X-Rider-Ignored"
#: How many of a conversation's oldest turns the provider did not get.
TURNS_LEFT_OUT = "X-Rider-Turns-Left-Out"
#: OpenAI's clients show it as `_request_id`.
REQUEST_ID = "X-Request-Id"
#: Maximum number of ignored parameters that are named, and maximum length of a name in characters.
MAX_IGNORED, MAX_NAME = 20, 40


def answer_headers(job_id: str, mock: bool, ignored: Iterable[str]) -> dict[str, str]:
    """
    Args:
        job_id: As `rider queue` and the panel show it.
        mock: A mock answered. For audio the header is the only place that can say so.
        ignored: Parameters that were ignored. Names that are not identifiers are left out: they come from outside.
    """
    headers = {REQUEST_ID: job_id}
    if mock:
        headers[MOCK] = "1"
    shown = sorted(name for name in ignored if name.isidentifier() and name.isascii() and len(name) <= MAX_NAME)
    if shown:
        headers[IGNORED] = ", ".join(shown[:MAX_IGNORED])
    return headers
