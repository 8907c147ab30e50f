"""llama.cpp as xllamacpp's own documentation uses it: its server's chat completions, called in the process.

    python llama.py MODEL SYSTEM_PROMPT

Each line of input is a question. The answer: seconds to the first token.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = 2048
server = xllamacpp.Server(params)
print(json.dumps({}), flush=True)


class FirstToken:
    """Notes when the first piece with words in it comes; the chunk before it only names the role."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.seconds = 0.0

    def __call__(self, chunk: Any) -> bool:
        """True would end the answer."""
        pieces = chunk if isinstance(chunk, list) else [chunk]
        if not self.seconds and any(
            choice["delta"].get("content") for piece in pieces for choice in piece.get("choices", ())
        ):
            self.seconds = time.perf_counter() - self._started
        return False


for line in sys.stdin:
    request = {
        "messages": [{"role": "system", "content": sys.argv[2]}, {"role": "user", "content": line.strip()}],
        "max_tokens": 12,
        "temperature": 0,
        "stream": True,
    }
    first_token = FirstToken()
    server.handle_chat_completions(request, first_token)
    print(json.dumps({"seconds": first_token.seconds}), flush=True)
