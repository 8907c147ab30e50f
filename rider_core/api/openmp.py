"""Settings of OpenMP for engines that use it: whisper.cpp, llama.cpp."""

from __future__ import annotations

import os

#: An engine's threads wait for each other some hundred times for each clip or token. By default libgomp spins for
#: milliseconds: on a busy machine with 2 cores, Whisper took 7.6 s for 1 s of audio instead of 1.0 s. With 300 spins,
#: about a microsecond, a command takes 0.22 s on an idle machine as with the default, and 0.29 s with none; beside four
#: busy processes both take 0.7 to 1.0 s.
_LIMITED_SPINNING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "300"}


def environment() -> dict[str, str]:
    """Environment variables, which OpenMP reads when it is loaded. Variables that are already set are kept."""
    return {name: os.environ.get(name, value) for name, value in _LIMITED_SPINNING.items()}
