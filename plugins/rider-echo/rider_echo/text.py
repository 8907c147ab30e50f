"""Mock text generator: repeats the prompt."""

from __future__ import annotations

import re

from rider_core.api import GenerateRequest, GenerationEnd, TextGenerator, TextStream
from rider_core.errors import InvalidInput


class EchoText(TextGenerator):
    name = "echo-text"
    mock = True

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        words = re.findall(r"\s*\S+", request.prompt)
        if not words:
            raise InvalidInput(f"there is no word in {request.prompt[:40]!r}")
        answer = "".join(words[: request.max_tokens])
        stops = [at for at in map(answer.find, request.stop) if at >= 0]
        deltas = re.findall(r"\s*\S+|\s+$", answer[: min(stops, default=len(answer))])
        yield from deltas
        cut = not stops and len(words) > request.max_tokens
        return GenerationEnd(finish_reason="length" if cut else "stop")
