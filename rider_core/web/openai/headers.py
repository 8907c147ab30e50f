"""What the head of an answer says beside its body: which job it was, that it is made up, what nobody looked at."""

from __future__ import annotations

from collections.abc import Iterable

MOCK, IGNORED = "X-Rider-Mock", "X-Rider-Ignored"
#: How many of a conversation's oldest turns no engine was given.
TURNS_LEFT_OUT = "X-Rider-Turns-Left-Out"
#: OpenAI's clients show it as `_request_id`.
REQUEST_ID = "X-Request-Id"
#: Names of ignored parameters: so many at most, and each so long.
MAX_IGNORED, MAX_NAME = 20, 40


def answer_headers(job_id: str, mock: bool, ignored: Iterable[str]) -> dict[str, str]:
    """
    Args:
        job_id: As `rider queue` and the panel show it.
        mock: The answer is made up. A sound has no other place to say it.
        ignored: Parameters that nobody looked at; what is no identifier is not repeated, because it comes from outside.
    """
    headers = {REQUEST_ID: job_id}
    if mock:
        headers[MOCK] = "1"
    shown = sorted(name for name in ignored if name.isidentifier() and name.isascii() and len(name) <= MAX_NAME)
    if shown:
        headers[IGNORED] = ", ".join(shown[:MAX_IGNORED])
    return headers
