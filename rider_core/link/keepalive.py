"""Keeps the robot's voice with the PC through silence and long sentences.

The robot's voice service falls back to local when the PC has sent no text for 5 s, counted from the service's start,
also during silence or a longer sentence. An invisible text resets its timer: a text of one zero width space, with an
empty reply and an unknown intent, has no other effect. Seen with the robot's own code: no NLU is asked and nothing is
spoken; `audio.transcript` forwards the invisible text, and the face shows "thinking" and "idle" within milliseconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rider_core.errors import BackendUnavailable
from rider_core.link.services import LinkServices
from rider_core.link.thread_watchdog import ThreadWatchdog

log = logging.getLogger(__name__)

#: Interval of the invisible texts, in seconds: less than half of the robot's timeout (`VOICE_OFFLOAD_RESULT_TIMEOUT`),
#: because a sound that plays may delay them.
EVERY_S = 2.0
#: The microphone counts as streaming for this time after its last chunk, in seconds. While a sound plays, the stream
#: pauses for the length of the sound.
AUDIO_LIMIT_S = 6.0
#: A zero width space: `str.strip` keeps it.
INVISIBLE = "\N{ZERO WIDTH SPACE}"
#: An intent that no part of the robot acts on.
INTENT = {"kind": "rider_pc.keepalive"}
TOPIC, TASK = "voice.asr.result", "voice.transcribe"


class VoiceKeepalive:
    """Sends invisible texts, in a thread of its own, while the robot streams and the PC can serve voice."""

    def __init__(
        self,
        services: LinkServices,
        send: Callable[[str, dict[str, Any]], bool],
        last_chunk: Callable[[], float],
        last_text: Callable[[], float],
        failed_over: Callable[[], bool],
    ) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
            last_chunk: When the microphone's last chunk came (monotonic).
            last_text: When the last text, visible or not, was sent to the robot (monotonic).
            failed_over: Whether the link failed voice over to the robot.
        """
        self._services = services
        self._send = send
        self._last_chunk = last_chunk
        self._last_text = last_text
        self._failed_over = failed_over
        self._serves = True
        self.watchdog = ThreadWatchdog("voice keepalive")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice-keepalive", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=EVERY_S)

    def _run(self) -> None:
        wait_s = EVERY_S
        while not self._stop.wait(wait_s):
            self.watchdog.feed()
            # A transcript and a chunk of speech reset the robot's timer as well.
            silent_s = time.monotonic() - self._last_text()
            wait_s = EVERY_S - silent_s if silent_s < EVERY_S else EVERY_S
            if silent_s < EVERY_S:
                continue
            try:
                if time.monotonic() - self._last_chunk() < AUDIO_LIMIT_S and self._can_serve():
                    self._send(TOPIC, message())
            except Exception:  # the top of a thread
                log.exception("the voice keepalive failed")

    def _can_serve(self) -> bool:
        """Whether the next utterance can be recognised."""
        problem = self._problem()
        if self._serves != (not problem):
            self._serves = not problem
            if problem:
                log.warning("voice keepalive paused: %s", problem)
            else:
                log.info("voice keepalive resumed")
        return self._serves

    def _problem(self) -> str:
        if self._failed_over():
            return "voice has failed over to the robot"
        try:
            return "" if self._services.capacity().get(TASK) else f"no worker can do {TASK}"
        except BackendUnavailable as error:
            return str(error)


def message() -> dict[str, Any]:
    """A result that resets the robot's timer and has no other effect."""
    return {"text": INVISIBLE, "reply": "", "speak": False, "intent": INTENT, "ts": time.time()}
