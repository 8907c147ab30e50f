"""A thread that a provider leaves behind."""

from __future__ import annotations

import threading
from typing import ClassVar


class LooseThread:
    """A thread that runs until the test ends it."""

    running: ClassVar[list[threading.Event]] = []

    @classmethod
    def start(cls) -> None:
        stop = threading.Event()
        cls.running.append(stop)
        threading.Thread(target=stop.wait, args=(60,), daemon=True).start()

    @classmethod
    def stop_all(cls) -> None:
        while cls.running:
            cls.running.pop().set()
