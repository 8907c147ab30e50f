"""Text generation that says what it was told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rider_core.api import GenerateRequest, TextGenerator
from rider_core.errors import InvalidInput


class EchoText(TextGenerator):
    name = "echo-text"
    mock = True

    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        words = re.findall(r"\s*\S+", request.prompt)
        if not words:
            raise InvalidInput(f"there is no word in {request.prompt[:40]!r}")
        yield from words[: request.max_tokens]
