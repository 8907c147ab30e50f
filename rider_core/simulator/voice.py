"""The voice service: streams the microphone to the PC, and reads the answers as the robot's code does."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable
from typing import Any

from rider_core.simulator.microphone import CHUNK_BYTES, CHUNK_S, Microphone
from rider_core.simulator.outbox import Send
from rider_core.simulator.playback import Loudspeaker
from rider_core.simulator.registry import ProviderRegistry, StateFile
from rider_core.simulator.schedule import Periodic
from rider_core.simulator.sounds import RATE

log = logging.getLogger(__name__)

RESULT, CHUNK, OWN_STATE = "voice.asr.result", "voice.tts.chunk", "provider.voice.state"
TOPICS = (RESULT, CHUNK, OWN_STATE)
#: After a stall the sound of at most this long is sent at once; the rest is lost, as in the sound card's buffer.
_MAKE_UP_S = 1.0


class VoiceService:
    """One process of the robot. It chooses its path when it starts, and keeps to it until it ends.

    While it serves the PC's way, it looks at the state file before each chunk and ends when that says `local`. It
    does not look for the opposite: the local way ends when `provider.voice.state` tells of `pc`. Either way a service
    manager starts it again, or nobody does (`RobotConfig.voice_restart_s`).

    Args:
        open_registry: Makes this process's own copy of the state, at its start.
        fallback_s, restart_s: See `RobotConfig`.
    """

    def __init__(
        self,
        microphone: Microphone,
        loudspeaker: Loudspeaker,
        file: StateFile,
        open_registry: Callable[[], ProviderRegistry],
        send: Send,
        clock: Callable[[], float],
        *,
        fallback_s: float,
        restart_s: float | None,
    ) -> None:
        self._microphone, self._loudspeaker = microphone, loudspeaker
        self._file, self._open_registry = file, open_registry
        self._send, self._clock = send, clock
        self._fallback_s, self._restart_s = fallback_s, restart_s
        self._registry: ProviderRegistry | None = None
        self._path: str | None = None
        self._last_text = 0.0
        self._start_at: float | None = 0.0
        self.schedule = (Periodic(CHUNK_S, self._turn, make_up=round(_MAKE_UP_S / CHUNK_S)),)

    @property
    def path(self) -> str | None:
        """`pc`, `local`, or None while the service does not run."""
        return self._path

    def restart(self) -> None:
        """Start anew at the next turn, as `systemctl restart` does. May be called from any thread."""
        self._path, self._start_at = None, 0.0

    def receive(self, topic: str, body: dict[str, Any], framing: str) -> str:
        """Take one message; returns what became of it."""
        if framing == "single":
            return "ignored: voice reads multipart messages only"
        if topic == OWN_STATE:
            if self._path == "local" and body.get("mode") == "pc":
                self._end("voice goes to the PC")
            return "read"
        if self._path != "pc":
            return f"ignored: voice is {self._path or 'stopped'}"
        if topic == CHUNK:
            return self._loudspeaker.play(body, time.monotonic())
        return self._result(body)

    def _turn(self) -> None:
        now = time.monotonic()
        if self._path is None and self._start_at is not None and now >= self._start_at:
            self._start(now)
        if self._path != "pc":
            return
        if self._file.mode("voice") == "local":
            self._end("voice goes to local")
            return
        pcm = self._microphone.read()
        self._send(
            "voice.asr.request",
            {
                "ts": self._clock(),
                "rate": RATE,
                "len": CHUNK_BYTES,
                "chunk_pcm": base64.b64encode(pcm).decode("ascii"),
            },
        )
        # Only a text sets this timer back. Whoever just says that he is alive has said nothing.
        if self._fallback_s and now - self._last_text > self._fallback_s:
            self._fall_back("pc_timeout")

    def _start(self, now: float) -> None:
        self._registry = self._open_registry()
        self._path = self._registry.domain("voice")["mode"]
        self._last_text, self._start_at = now, None
        self._send("ui.state", {"state": "listening" if self._path == "pc" else "idle", "ts": self._clock()})

    def _end(self, reason: str) -> None:
        log.info("the voice service ends: %s", reason)
        self._path = None
        self._start_at = None if self._restart_s is None else time.monotonic() + self._restart_s

    def _fall_back(self, reason: str) -> None:
        """This process's own copy goes to the file, so the HTTP interface does not hear of it."""
        if self._registry is not None:
            self._registry.set_status("voice", "fallback", reason)
            self._registry.set_mode("voice", "local", reason)
        self._end(f"voice falls back to local, {reason}")

    def _result(self, body: dict[str, Any]) -> str:
        text = body.get("text") or body.get("transcript") or ""
        if not isinstance(text, str):
            # Here the robot's code calls a method that only texts have, and its whole loop ends.
            self._fall_back("pc_error")
            return "ended the voice service: text is no text"
        if not text.strip():
            return "ignored: empty text"
        self._last_text = time.monotonic()
        now = self._clock()
        language = body.get("language") or "unknown"
        self._send("audio.transcript", {"text": text.strip(), "lang": language, "source": "pc", "ts": now})
        reply = body.get("reply")
        if reply is None:
            reply = "(the robot's own chat answers here)"
        if reply and body.get("speak", True):
            self._send("assistant.speech", {"text": str(reply), "lang": language, "ts": now})
        sound = body.get("tts")
        if isinstance(sound, dict):
            return f"text, sound {self._loudspeaker.play(sound, time.monotonic())}"
        return "text"
