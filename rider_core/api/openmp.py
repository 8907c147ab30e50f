"""How the threads of OpenMP wait for each other, in engines that use it: whisper.cpp, llama.cpp."""

from __future__ import annotations

import os

#: Threads of an engine wait for each other some hundred times for each clip or token. By default libgomp spins
#: meanwhile, for milliseconds: on a busy machine of 2 cores, 1 s of sound took Whisper 7.6 s instead of 1.0 s. With 300
#: spins, about a microsecond, a command takes 0.22 s on an idle machine as with the default, and 0.29 s with none;
#: beside four busy processes both take 0.7 to 1.0 s.
_LIMITED_SPINNING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "300"}


def environment() -> dict[str, str]:
    """Variables for a process in which OpenMP will be loaded, which reads them once. What a person has set stays."""
    return {name: os.environ.get(name, value) for name, value in _LIMITED_SPINNING.items()}
