"""Sends chunks of speech to the robot's loudspeaker, each in time, so that it plays without a gap.

Where invisible texts are allowed (`RIDER_VOICE_KEEPALIVE`), an answer's chunk is sent within a `voice.asr.result` whose
text is invisible: each resets the timer after which the robot's voice service falls back to local, and which the
service does not check while `voice.tts.chunk` messages wait (seen with its own code). Other chunks are sent as
`voice.tts.chunk`, as the robot's documents say: each when the one before it was played, so that the service checks its
timer in between.
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
#: A chunk of an answer is sent this long before the current chunk ends, in seconds: the robot needs 0.2 s to read it.
#: After an interruption the robot plays on what it has: the current chunk, and in this last time the next one, too.
LEAD_S = 0.35
#: Start of the player, for each chunk, in seconds.
START_S = 0.1
#: A gap in the playback that counts as a pause, in seconds: long enough for the robot's microphone to stream.
PAUSE_S = 0.8


class SpeechOutput:
    """Belongs to the TTS pipeline's thread."""

    def __init__(self, send: Callable[[str, dict[str, Any]], bool], invisible_texts: bool) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
            invisible_texts: Whether results with an invisible text may be sent.
        """
        self._send = send
        self._invisible_texts = invisible_texts
        self._plays_since = self._plays_until = 0.0

    @property
    def plays_until(self) -> float:
        """When the robot will have played everything that was sent, as estimated here (monotonic). From any thread."""
        return self._plays_until

    @property
    def played_s(self) -> float:
        """Seconds of playback without a pause, when everything that was sent is played."""
        return self._plays_until - self._plays_since if time.monotonic() - self._plays_until < PAUSE_S else 0.0

    def is_running_dry(self) -> bool:
        """Whether everything that was sent will soon have been played."""
        return self._plays_until - time.monotonic() <= LEAD_S

    def wait(self, is_answer: bool, stopped: threading.Event) -> bool:
        """Wait until the next chunk is due. True: `stopped` was set meanwhile."""
        lead_s = LEAD_S if is_answer and self._invisible_texts else 0.0
        return stopped.wait(max(0.0, self._plays_until - lead_s - time.monotonic()))

    def play(self, chunk: AudioClip, is_answer: bool, seq: int) -> bool:
        """Send a chunk. False: the bus is down, or its queue is full."""
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
        """The last chunk was sent. After a result with sound, the robot's face is "thinking" until the next result."""
        if is_answer and self._invisible_texts:
            self._send(RESULT, keepalive.message())
