"""Pauses in a long answer, so that a person can interrupt it: the robot hears nothing while it plays.

The robot plays in the thread that reads its microphone (seen with its own code). So after some seconds of speech the
link waits at the end of a sentence until the microphone streams again, and listens for a moment. A person who speaks
in this moment, also one who has spoken over the robot and goes on, ends the answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rider_core.link.speech_output import SpeechOutput

#: Speech without a pause, in seconds, after which the next end of a sentence is a pause.
AFTER_S = 8.0
#: Time of listening, in seconds: up to 0.3 s of backlog are dropped (`echo_suppressor`), and 0.3 s of speech interrupt
#: (`asr_pipeline`). The second value applies while a person speaks.
LISTEN_S, LISTEN_TO_SPEECH_S = 0.9, 1.6
#: Wait for the microphone, in seconds after the expected end of playing. The robot plays up to 2 s longer.
LIMIT_S = 3.0
_LOOK_EVERY_S = 0.05


class BargeInPause:
    """Belongs to the thread that speaks."""

    def __init__(self, output: SpeechOutput, last_chunk: Callable[[], float], speech_s: Callable[[], float]) -> None:
        """
        Args:
            last_chunk: When the microphone's last piece came (monotonic).
            speech_s: Seconds of speech in the utterance that goes on now.
        """
        self._output = output
        self._last_chunk = last_chunk
        self._speech_s = speech_s

    def wait(self, stopped: threading.Event) -> bool:
        """At the end of a sentence: pause where one is due. True: `stopped` was set meanwhile."""
        if self._output.played_s < AFTER_S:
            return stopped.is_set()
        ends = self._output.plays_until
        hears_since: float | None = None
        while (now := time.monotonic()) < ends + LIMIT_S:
            if hears_since is None and self._last_chunk() > ends:
                hears_since = now
            if hears_since is not None:
                enough_s = LISTEN_TO_SPEECH_S if self._speech_s() else LISTEN_S
                if now - hears_since >= enough_s:
                    break
            if stopped.wait(_LOOK_EVERY_S):
                return True
        return stopped.is_set()
