"""A handler that answers with the request, and records it."""

from __future__ import annotations

import json
import threading

from rider_core.errors import RiderError


class EchoHandler:
    """Answers with the request, in capitals; `gate` holds answers up while it is cleared."""

    def __init__(self) -> None:
        self.executed: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()

    def answer(self, request: bytes, left_s: float) -> bytes:
        self.executed.append(request)
        self.gate.wait(left_s + 1)
        return request.upper()

    def refuse(self, error: RiderError) -> bytes:
        return json.dumps({"refused": error.code}).encode()
