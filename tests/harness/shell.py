"""The program `rider`, run to its end as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

#: `python` before this, a command of ours behind it.
RIDER = ("-m", "rider_core.cli.main")
_LIMIT_S = 60


@dataclass(frozen=True)
class Shell:
    """Runs `rider COMMAND ...` in one environment.

    Attributes:
        command: The command that all calls begin with, such as `queue`.
    """

    environment: dict[str, str]
    command: str

    def __call__(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run it with `answer` as its input."""
        return subprocess.run(
            [sys.executable, *RIDER, self.command, *arguments],
            input=answer,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            env=self.environment,
        )
