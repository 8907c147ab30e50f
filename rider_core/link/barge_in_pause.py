"""Pauses in a long answer, so that a person can interrupt it: the robot's microphone is silent while it plays.

The robot plays in the thread that reads its microphone (seen with its own code). So after some seconds of speech the
link waits at the end of a sentence until the microphone streams again, and listens for a moment. Speech in this moment
ends the answer, also speech that began over the robot's voice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rider_core.link.speech_output import SpeechOutput

#: Playback without a pause, in seconds, after which the next end of a sentence gets one.
AFTER_S = 8.0
#: Time of listening, in seconds: up to 0.3 s of backlog are dropped (`echo_suppressor`), and 0.3 s of speech interrupt
#: (`microphone_stream`). The second value applies while a person speaks.
LISTEN_S, LISTEN_TO_SPEECH_S = 0.9, 1.6
#: Wait for the microphone, in seconds after the expected end of playback. The robot plays up to 2 s longer.
LIMIT_S = 3.0
_POLL_EVERY_S = 0.05


class BargeInPause:
    """Belongs to the TTS pipeline's thread."""

    def __init__(self, output: SpeechOutput, last_chunk: Callable[[], float], speech_s: Callable[[], float]) -> None:
        """
        Args:
            last_chunk: When the microphone's last chunk came (monotonic).
            speech_s: Seconds of speech in the current utterance.
        """
        self._output = output
        self._last_chunk = last_chunk
        self._speech_s = speech_s

    def wait(self, stopped: threading.Event) -> bool:
        """Pause where a pause is due. True: `stopped` was set meanwhile."""
        if self._output.played_s < AFTER_S:
            return stopped.is_set()
        ends = self._output.plays_until
        listens_since: float | None = None
        while (now := time.monotonic()) < ends + LIMIT_S:
            if listens_since is None and self._last_chunk() > ends:
                listens_since = now
            if listens_since is not None:
                enough_s = LISTEN_TO_SPEECH_S if self._speech_s() else LISTEN_S
                if now - listens_since >= enough_s:
                    break
            if stopped.wait(_POLL_EVERY_S):
                return True
        return stopped.is_set()
