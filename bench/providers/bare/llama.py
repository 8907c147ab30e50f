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
for line in sys.stdin:
    first = 0.0
    started = time.perf_counter()

    def take(chunk: Any) -> bool:
        """Note the first piece with words in it; the chunk before it only names the role. True would end the answer."""
        global first
        pieces = chunk if isinstance(chunk, list) else [chunk]
        words = [choice["delta"].get("content") for piece in pieces for choice in piece.get("choices", ())]
        if any(words) and not first:
            first = time.perf_counter() - started
        return False

    request = {
        "messages": [{"role": "system", "content": sys.argv[2]}, {"role": "user", "content": line.strip()}],
        "max_tokens": 12,
        "temperature": 0,
        "stream": True,
    }
    server.handle_chat_completions(request, take)
    print(json.dumps({"seconds": first}), flush=True)
