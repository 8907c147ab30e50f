"""The robot's loudspeaker: how a piece of speech is sent to it, and when, so that it plays without a gap.

Where invisible texts are allowed (`RIDER_VOICE_KEEPALIVE`), an answer goes as sound within a `voice.asr.result` whose
text is invisible: each sets back the timer after which the robot's voice service gives us up, and which it does not
look at while `voice.tts.chunk` messages wait (seen with its own code). Anything else goes as `voice.tts.chunk`, as the
robot's documents say: each is sent when the one before it was played, so that the service sees its timer in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rider_core.api.audio import AudioClip
from rider_core.api.messages import encode_base64
from rider_core.link import keepalive

RESULT, CHUNK = keepalive.TOPIC, "voice.tts.chunk"
#: An intent that no part of the robot acts on.
INTENT = {"kind": "rider_pc.speech"}
#: The link sends a piece of an answer this long before the current piece ends, because the robot needs 0.2 s to read
#: it. After a break-off the robot plays what it has: the current piece, and in these last moments the next one, too.
LEAD_S = 0.35
#: What the start of a player takes, for each piece.
START_S = 0.1
#: A silence of the loudspeaker that counts as a pause, in seconds: long enough for the robot to hear something.
PAUSE_S = 0.8


class SpeechOutput:
    """Belongs to the thread that speaks."""

    def __init__(self, send: Callable[[str, dict[str, Any]], bool], invisible_texts: bool) -> None:
        """
        Args:
            send: Puts a message on the robot's bus.
            invisible_texts: Whether results with an invisible text may be sent.
        """
        self._send = send
        self._invisible_texts = invisible_texts
        self._plays_since = self._plays_until = 0.0

    @property
    def plays_until(self) -> float:
        """Until when the robot plays what was sent, as far as we can reckon (monotonic). From any thread."""
        return self._plays_until

    @property
    def played_s(self) -> float:
        """How long the robot will have played without a pause, in seconds, when all that was sent is played."""
        return self._plays_until - self._plays_since if time.monotonic() - self._plays_until < PAUSE_S else 0.0

    def is_running_dry(self) -> bool:
        """What it has will soon have been played."""
        return self._plays_until - time.monotonic() <= LEAD_S

    def wait(self, is_answer: bool, stopped: threading.Event) -> bool:
        """Wait until the next piece is due. True: `stopped` was set meanwhile."""
        lead_s = LEAD_S if is_answer and self._invisible_texts else 0.0
        return stopped.wait(max(0.0, self._plays_until - lead_s - time.monotonic()))

    def play(self, chunk: AudioClip, is_answer: bool, seq: int) -> bool:
        """Send a piece. False: the bus is down, or too much waits already."""
        sound = {"audio": encode_base64(chunk.to_wav()), "format": "wav", "sample_rate": chunk.sample_rate}
        now = time.monotonic()
        if now - self._plays_until >= PAUSE_S:
            self._plays_since = now
        self._plays_until = max(self._plays_until, now) + START_S + chunk.duration_s
        if not self._invisible_texts:
            return self._send(CHUNK, {**sound, "seq": seq, "ts": time.time()})
        if is_answer:
            head = {"text": keepalive.INVISIBLE, "reply": "", "speak": True, "intent": INTENT}
            return self._send(RESULT, {**head, "tts": sound, "seq": seq, "ts": time.time()})
        self._send(RESULT, keepalive.message())
        return self._send(CHUNK, {**sound, "seq": seq, "ts": time.time()})

    def end(self, is_answer: bool) -> None:
        """The last piece was sent. After a result with sound the robot's face is "thinking" until the next result."""
        if is_answer and self._invisible_texts:
            self._send(RESULT, keepalive.message())
