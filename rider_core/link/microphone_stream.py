"""The robot's microphone: chunks in, utterances out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rider_core.api.languages import language_code
from rider_core.api.messages import decode_base64, parse_message
from rider_core.errors import InvalidInput
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.endpointing import Endpointer, Utterance
from rider_core.link.messages import MAX_CHUNK_BYTES, SAMPLE_RATE, AudioChunkIn
from rider_core.link.serial_executor import SerialExecutor
from rider_core.metrics import LINK_DROPPED, UTTERANCES

#: Speech of this length interrupts the robot's answer, in seconds. A cough is shorter.
BARGE_IN_S = 0.3
#: A longer gap in the stream ends the current utterance without a job, in seconds.
GAP_S = 1.0


class MicrophoneStream:
    """Its methods belong to the bus's thread; its properties may be read from any."""

    def __init__(
        self,
        recognise: Callable[[Utterance, float, str | None], None],
        interrupt: Callable[[], None],
        echo_suppressor: EchoSuppressor,
        executor: SerialExecutor,
        language: str | None,
        barge_in: bool,
    ) -> None:
        """
        Args:
            recognise: Gets each utterance on the executor's thread as soon as its end is detected, with the time of
                its end (monotonic), and the language that the robot or the settings name; None: to be detected.
            interrupt: Ends the robot's answer, because a person speaks. Returns at once.
            echo_suppressor: Recognises chunks that hold the robot's own voice.
            language: The spoken language, in ISO 639-1; None: detected.
            barge_in: Whether speech interrupts the answer.
        """
        self._recognise = recognise
        self._interrupt = interrupt if barge_in else None
        self._echo_suppressor = echo_suppressor
        self._executor = executor
        self._language = language
        self._endpointer = Endpointer()
        self._last_chunk = 0.0

    @property
    def last_chunk(self) -> float:
        """When the last chunk came (monotonic); 0: none has come."""
        return self._last_chunk

    @property
    def speech_s(self) -> float:
        """Seconds of speech in the current utterance; 0 between utterances."""
        return self._endpointer.speech_s

    def receive_chunk(self, body: dict[str, Any]) -> None:
        """Handle the next chunk.

        Raises:
            InvalidInput, TooLarge: the chunk is malformed.
        """
        chunk = parse_message(AudioChunkIn, body)
        pcm = decode_base64(chunk.chunk_pcm, max_bytes=MAX_CHUNK_BYTES, name="chunk_pcm")
        if not pcm or len(pcm) % 2:
            raise InvalidInput(f"chunk_pcm has {len(pcm)} bytes, not whole 16-bit samples")
        now = time.monotonic()
        if now - self._last_chunk > GAP_S:
            self.reset()
        self._last_chunk = now
        if self._echo_suppressor.is_echo(now, len(pcm) / 2 / SAMPLE_RATE):
            LINK_DROPPED.labels("own_speech").inc()
            return
        dropped_before = self._endpointer.dropped
        for utterance in self._endpointer.feed(pcm):
            language = language_code(chunk.lang or "") or self._language
            speech_ended = time.monotonic() - utterance.quiet_s
            if not self._executor.run(partial(self._recognise, utterance, speech_ended, language)):
                count_dropped("too_many")
        if self._interrupt and self._endpointer.speech_s >= BARGE_IN_S:
            self._interrupt()
        if self._endpointer.dropped > dropped_before:
            UTTERANCES.labels("too_short").inc()

    def reset(self) -> None:
        """The stream ended: drop the current utterance."""
        if self._endpointer.in_speech:
            UTTERANCES.labels("broken_off").inc()
        self._endpointer.reset()


def count_dropped(outcome: str) -> None:
    """Count an utterance without a transcript; `outcome`: why, as in the metric `rider_utterances_total`."""
    UTTERANCES.labels(outcome).inc()
    LINK_DROPPED.labels("utterance").inc()
