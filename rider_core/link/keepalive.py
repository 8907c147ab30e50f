"""Keeping the robot's voice with us through silence and long sentences.

The robot's voice service gives a PC up that has sent it no text for 5 s, counted from its own start: also where nobody
speaks, or somebody speaks longer than that. What it takes for a text is looser than what anybody sees or hears: an
invisible one, with an empty reply and an intent that it does not know, sets its timer back and does nothing else.
Seen with its own code: no NLU is asked and nothing is spoken; `audio.transcript` passes the invisible text on, and its
face says "thinking" and "idle" within a few milliseconds.
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

#: Half of the robot's patience (`VOICE_OFFLOAD_RESULT_TIMEOUT`), less what a sound that plays may hold it up.
EVERY_S = 2.0
#: The microphone streams without pause; while a sound plays it waits for as long as that.
HEARD_S = 6.0
#: A zero width space: `str.strip` keeps it, and nobody sees it.
INVISIBLE = "\N{ZERO WIDTH SPACE}"
#: An intent that no part of the robot acts on.
INTENT = {"kind": "rider_pc.keepalive"}
TOPIC, TASK = "voice.asr.result", "voice.transcribe"


class VoiceKeepalive:
    """Sends what keeps voice with us, in a thread of its own, as long as the robot streams and we can serve it."""

    def __init__(
        self,
        services: LinkServices,
        send: Callable[[str, dict[str, Any]], bool],
        heard: Callable[[], float],
        said: Callable[[], float],
        refused: Callable[[], bool],
    ) -> None:
        """
        Args:
            send: Puts a message on the robot's bus.
            heard: When the last piece of sound came; our monotonic clock.
            said: When the robot was last sent a text, visible or not; the same clock.
            refused: Whether we handed voice back, so that the robot had better take over.
        """
        self._services = services
        self._send = send
        self._heard = heard
        self._said = said
        self._refused = refused
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
            # A text and a piece of speech set the timer back as well.
            silent_s = time.monotonic() - self._said()
            wait_s = EVERY_S - silent_s if silent_s < EVERY_S else EVERY_S
            if silent_s < EVERY_S:
                continue
            try:
                if time.monotonic() - self._heard() < HEARD_S and self._can_serve():
                    self._send(TOPIC, message())
            except Exception:  # the top of a thread
                log.exception("the robot's voice was not kept")

    def _can_serve(self) -> bool:
        """Whether what a person says next would become a text."""
        problem = self._problem()
        if self._serves != (not problem):
            self._serves = not problem
            if problem:
                log.warning("the robot's voice is left to its own timer: %s", problem)
            else:
                log.info("the robot's voice is kept with us")
        return self._serves

    def _problem(self) -> str:
        if self._refused():
            return "it was handed back"
        try:
            return "" if self._services.capacity().get(TASK) else f"no worker can do {TASK}"
        except BackendUnavailable as error:
            return str(error)


def message() -> dict[str, Any]:
    """A result that sets the robot's timer back, and that nobody sees or hears."""
    return {"text": INVISIBLE, "reply": "", "speak": False, "intent": INTENT, "ts": time.time()}
