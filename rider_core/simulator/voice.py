"""The voice service: streams the microphone to the PC, and reads the answers as the robot's code does."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Generator
from typing import Any

from rider_core.simulator.config import RobotConfig
from rider_core.simulator.loudspeaker import Loudspeaker
from rider_core.simulator.microphone import CHUNK_BYTES, CHUNK_S, Microphone
from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.received import Received
from rider_core.simulator.recorder import Recorder
from rider_core.simulator.registry import DomainRegistry, StateFile
from rider_core.simulator.sounds import RATE
from rider_core.simulator.voice_bridge import CHUNK, RESULT, VoiceBridge
from rider_core.simulator.wire import UNREADABLE

log = logging.getLogger(__name__)

TOPICS = (RESULT, CHUNK)

#: From the start of the process to its first chunk of sound, in seconds. Sound before it is lost.
START_S = 0.4
#: Exit codes of the process: the AI mode is local; no text came in time; a message that its code cannot read; killed.
EXIT_LOCAL, EXIT_TIMEOUT, EXIT_ERROR, EXIT_KILLED = 0, 1, 2, -9
#: Interval of the process's turns, in seconds.
_STEP_S = 0.01
#: The most sound that is made up for after a stall of the thread, in seconds: the recorder keeps no more.
_MAKE_UP_S = 2.6

Settle = Callable[[Received, str], None]
#: The process: it yields how long it is blocked, in seconds, and returns its exit code.
Process = Generator[float, None, int]


class VoiceService:
    """One process of the robot, and the service manager that starts it.

    The process chooses its path from the AI mode when it starts, and keeps to it. On the PC's path it is one loop:
    a chunk of the microphone, then all results, then all chunks of sound, then the timer. A sound that plays blocks
    the loop. The process runs as a generator in the bus thread, so that nothing else is blocked.

    The service manager starts it again after a failure only (`RobotConfig.voice_restart_s`). After exit code 0 it is
    dead until `restart()`.

    Args:
        open_registry: Makes the process's own copy of the domains' states, at its start.
        settle: Sets the effect of a message that waited.
        on_exit: Called with each exit code of the process, except where `restart()` ended it.
    """

    def __init__(
        self,
        config: RobotConfig,
        microphone: Microphone,
        file: StateFile,
        open_registry: Callable[[], DomainRegistry],
        send: Send,
        clock: Callable[[], float],
        settle: Settle,
        on_exit: Callable[[int], None],
    ) -> None:
        self._config, self._microphone = config, microphone
        self._file, self._open_registry = file, open_registry
        self._send, self._clock, self._settle, self._on_exit = send, clock, settle, on_exit
        self.loudspeaker = Loudspeaker(config.playback_gap_s)
        self._process: Process | None = None
        self._bridge: VoiceBridge | None = None
        self._recorder: Recorder | None = None
        self._path: str | None = None
        self._ui_state: str | None = None
        self._text_at = 0.0
        self._blocked_until = 0.0
        self._start_at: float | None = 0.0
        self._restart_requested = False
        #: The exit code of the process that ended last; None: none has.
        self.exit: int | None = None
        self.schedule = (
            Periodic(CHUNK_S, self._record, make_up=round(_MAKE_UP_S / CHUNK_S)),
            Periodic(_STEP_S, self._step),
        )

    @property
    def path(self) -> str | None:
        """`pc`, `local`, or None while the process does not run or still starts."""
        return self._path

    def restart(self) -> None:
        """Restart at the next turn, as `systemctl restart` does. May be called from any thread."""
        self._restart_requested = True

    def receive(self, message: Received, body: Any) -> str | None:
        """Receive one message. Returns its effect, or None where the process will read it later."""
        if message.framing == "single":
            return "ignored: voice reads multipart messages only"
        if message.topic not in TOPICS:
            return "ignored: voice does not read this topic"
        if self._bridge is None:
            return f"ignored: voice is {self._path or 'stopped'}"
        if body is UNREADABLE or not body:
            return "ignored: an empty body, or none that is JSON"
        return None if self._bridge.arrive(message, body) else "ignored: too many wait"

    # The service manager.

    def _record(self) -> None:
        """Sound is lost while no process records."""
        pcm = self._microphone.read()
        if self._recorder is not None:
            self._recorder.record(pcm)

    def _step(self) -> None:
        now = time.monotonic()
        if self._restart_requested:
            self._restart_requested = False
            if self._process is not None:
                # A process on the PC's path ignores the signal to end, and is killed.
                self._ended(EXIT_KILLED if self._path == "pc" else EXIT_LOCAL, is_restart=True)
            self._start_at = now
        if self._process is None:
            if self._start_at is None or now < self._start_at:
                return
            self._start_at, self._blocked_until = None, now
            self._process = self._run()
        if self._bridge is not None:
            self._bridge.poll(now)
        while now >= self._blocked_until:
            try:
                blocked_s = next(self._process)
            except StopIteration as end:
                self._ended(end.value)
                return
            if not blocked_s:
                return
            self._blocked_until = time.monotonic() + blocked_s

    def _ended(self, code: int, is_restart: bool = False) -> None:
        for message, _ in self._bridge.left() if self._bridge else ():
            self._settle(message, "ignored: the voice process ended")
        self._process = self._bridge = self._recorder = self._path = None
        self.exit = code
        wait_s = self._config.voice_restart_s
        self._start_at = None if code == EXIT_LOCAL or wait_s is None else time.monotonic() + wait_s
        if not is_restart:
            self._on_exit(code)

    # The process.

    def _run(self) -> Process:
        # The timer runs from here, before there is a way to receive a text.
        self._text_at = time.monotonic()
        registry = self._open_registry()
        offloads = self._file.ai_mode()["mode"] == "pc_offload"
        self._ui_state = None
        yield START_S
        if not offloads:
            self._path = "local"
            self._show("idle")
            while True:
                yield 0.0
        self._bridge, self._recorder = VoiceBridge(), Recorder()
        self._path = "pc"
        return (yield from self._offload(registry, self._bridge, self._recorder))

    def _offload(self, registry: DomainRegistry, bridge: VoiceBridge, recorder: Recorder) -> Process:
        results, chunks = bridge.queues[RESULT], bridge.queues[CHUNK]
        while True:
            pcm = recorder.read()
            if pcm is None:
                yield 0.0
                continue
            if not self._file.offloads():
                return EXIT_LOCAL
            self._publish(pcm)
            while results:
                message, body = results.popleft()
                text = _text_of(body)
                if text is None:
                    # The robot's code calls a method that the value lacks, and its whole loop ends.
                    self._settle(message, "ended the voice process: no object, or a text that is none")
                    self._fall_back(registry, "pc_error")
                    return EXIT_ERROR
                effect, blocked_s = self._result(text, body)
                self._settle(message, effect)
                if blocked_s:
                    yield blocked_s
            while chunks:
                message, body = chunks.popleft()
                effect, blocked_s = self._play(body)
                self._settle(message, effect)
                if blocked_s:
                    yield blocked_s
            limit_s = self._config.voice_fallback_s
            if limit_s and time.monotonic() - self._text_at > limit_s:
                self._fall_back(registry, "pc_timeout")
                return EXIT_TIMEOUT

    def _publish(self, pcm: bytes) -> None:
        chunk = base64.b64encode(pcm).decode("ascii")
        self._send("voice.asr.request", {"ts": self._clock(), "rate": RATE, "len": CHUNK_BYTES, "chunk_pcm": chunk})

    def _fall_back(self, registry: DomainRegistry, reason: str) -> None:
        """The process writes its own copy to the file as a whole, and the HTTP interface does not learn of it."""
        registry.set_status("voice", "fallback", reason)
        registry.set_mode("voice", "local", reason)

    def _result(self, text: str, body: dict[str, Any]) -> tuple[str, float]:
        """The effect of a result, and how long it blocks the loop, in seconds."""
        text = text.strip()
        if not text:
            return "ignored: empty text", 0.0
        # Only a text sets the timer back, and it does so before the sound that comes with it plays.
        self._text_at = time.monotonic()
        self._show("thinking")
        intent = body.get("intent")
        if isinstance(intent, dict) and not _is_payload(intent.get("payload")):
            return "text, then an error: the intent's payload is no object", 0.0
        now = self._clock()
        self._send("audio.transcript", {"text": text, "lang": body.get("language") or "unknown", "ts": now})
        reply = body.get("reply")
        if reply is None:
            reply = "(the robot's own chat answers here)"
        if not isinstance(reply, str):
            return "text, then an error: the reply is no text", 0.0
        speaks, sound = bool(body.get("speak", True)), body.get("tts")
        if speaks and isinstance(sound, dict):
            effect, blocked_s = self._play(sound)
            if effect == "played":
                return "text, sound played", blocked_s
        else:
            effect = ""
        if speaks and reply.strip():
            self._show("speaking")
            self._send("assistant.speech", {"text": reply.strip(), "ts": now})
        self._show("idle")
        return f"text, sound {effect}" if effect else "text", 0.0

    def _play(self, body: Any) -> tuple[str, float]:
        if not isinstance(body, dict):
            return "ignored: no object", 0.0
        return self.loudspeaker.play(body, time.monotonic())

    def _show(self, state: str) -> None:
        """Set the state of the robot's face; only changes are sent."""
        if state != self._ui_state:
            self._ui_state = state
            self._send("ui.state", {"state": state, "ts": self._clock()})


def _text_of(body: Any) -> str | None:
    """The text of a result; None where the robot's code fails on it."""
    if not isinstance(body, dict):
        return None
    text = body.get("text") or body.get("transcript") or ""
    return text if isinstance(text, str) else None


def _is_payload(value: Any) -> bool:
    try:
        dict(value or {})
    except (TypeError, ValueError):
        return False
    return True
