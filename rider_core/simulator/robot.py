"""The simulated robot as one object: start it, inspect it, and make things happen to it."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from rider_core.api import AudioClip
from rider_core.errors import RobotError
from rider_core.simulator import motion, navigator, voice
from rider_core.simulator.api_process import ApiProcess
from rider_core.simulator.broker import Broker
from rider_core.simulator.bus_thread import BusThread
from rider_core.simulator.camera import Camera
from rider_core.simulator.config import RobotConfig
from rider_core.simulator.faults import MALFORMED
from rider_core.simulator.http_api import RESTART_VOICE_PATH, ApiContext
from rider_core.simulator.loudspeaker import Played
from rider_core.simulator.microphone import Microphone
from rider_core.simulator.motion import Motion, Pose
from rider_core.simulator.navigator import Navigator
from rider_core.simulator.obstacle_bridge import ObstacleBridge
from rider_core.simulator.outbox import Outbox, RobotClock
from rider_core.simulator.pictures import pictures
from rider_core.simulator.received import Received, ReceivedLog
from rider_core.simulator.registry import DomainRegistry, State, StateFile
from rider_core.simulator.sounds import playlist
from rider_core.simulator.telemetry import Telemetry
from rider_core.simulator.voice import VoiceService
from rider_core.simulator.wire import Framing

log = logging.getLogger(__name__)

_TOPICS = (*voice.TOPICS, *motion.TOPICS, *navigator.TOPICS)


class SimulatedRobot:
    """A whole robot in threads of this process. A context manager. Thread-safe.

    Raises:
        ConfigError: a file of the configuration cannot be used (here), or a port is taken (`start`).
    """

    def __init__(self, config: RobotConfig | None = None) -> None:
        self.config = config = config or RobotConfig()
        self._clock = clock = RobotClock(config.clock_skew_s)
        self._outbox = Outbox()
        self._file = StateFile(config.pc_domains, clock, config.ai_mode_race)
        self.received = ReceivedLog(config.received_messages, config.received_bytes)
        self.sounds = playlist(config.sounds, config.speak)
        send, settle = self._outbox.send, self.received.settle
        self._microphone = Microphone(self.sounds, config.pause_s)
        self._motion = Motion(send, clock)
        self._navigator = Navigator(self._file, send, clock, settle)
        self._obstacle_bridge = ObstacleBridge(self._file, send, clock, settle)
        self._camera = Camera(pictures(config.pictures), self._file, send, clock)
        self._telemetry = Telemetry(self._motion, self._file, send, clock, old_motion_state=config.old_motion_state)
        self._voice = VoiceService(
            config, self._microphone, self._file, self._open_registry, send, clock, settle, self._voice_ended
        )
        self._motion_bridge_up = True
        self._broker = Broker(config.host, config.publish_port, config.subscribe_port)
        self._api = ApiProcess(config, self._open_registry, self._api_context)
        self._bus: BusThread | None = None

    def start(self) -> SimulatedRobot:
        """Broker, modules and HTTP interface, in this order. On an error nothing is left running."""
        try:
            self._broker.start()
            # After an earlier stop: the processes do not survive a power cut.
            self._voice.restart()
            self._navigator.restart()
            self._bus = self._new_bus()
            self._bus.start()
            self._api.start()
        except BaseException:
            self.stop()
            raise
        log.info("simulated robot: %s; its microphone records %s", self.describe(), self.sounds.origin)
        return self

    def stop(self) -> None:
        """End every thread and close every port."""
        self._api.stop()
        if self._bus is not None:
            self._bus.stop()
            self._bus = None
        self._broker.stop()

    def __enter__(self) -> SimulatedRobot:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Addresses and state.

    @property
    def publish_port(self) -> int:
        return self._broker.publish_port

    @property
    def subscribe_port(self) -> int:
        return self._broker.subscribe_port

    @property
    def api_port(self) -> int:
        return self._api.port

    @property
    def api_url(self) -> str:
        return f"http://{self.config.host}:{self.api_port}"

    def describe(self) -> str:
        """Its addresses, in one line."""
        host = self.config.host
        return (
            f"publish to tcp://{host}:{self.publish_port}, subscribe to tcp://{host}:{self.subscribe_port}, "
            f"HTTP at {self.api_url}"
        )

    @property
    def failure(self) -> Exception | None:
        """The error that ended the robot's modules; None: they run."""
        return self._bus.failure if self._bus else None

    @property
    def domains(self) -> dict[str, State]:
        """The domains' states as the HTTP interface reports them; the voice process may have others."""
        domains: dict[str, State] = self._api.registry.snapshot()["domains"]
        return domains

    @property
    def stored_domains(self) -> dict[str, State]:
        """The domains' states in the file that the robot's processes share; the HTTP interface may report others."""
        return self._file.read()

    @property
    def voice_path(self) -> str | None:
        """`pc` or `local`, as the voice process chose at its start; None while it does not run or still starts."""
        return self._voice.path

    @property
    def voice_exit(self) -> int | None:
        """The exit code of the voice process that ended last: 0 (dead until `restart_voice`), 1, 2, -9; None: none."""
        return self._voice.exit

    @property
    def played(self) -> list[Played]:
        """The latest 2000 sounds of the loudspeaker."""
        return list(self._voice.loudspeaker.played)

    @property
    def pose(self) -> Pose:
        return self._motion.pose

    @property
    def moving(self) -> bool:
        return self._motion.moving

    @property
    def obstacle_present(self) -> bool:
        """Whether the navigator believes in an obstacle."""
        return self._navigator.obstacle_present

    @property
    def navigator_alive(self) -> bool:
        """Whether the navigator's loop runs; a value of a wrong type ends it."""
        return self._navigator.alive

    @property
    def probes(self) -> int:
        """Number of probes of our capabilities since the robot's API process started."""
        return self._api.probes

    # Actions of people.

    def switch(self, domain: str, target: str, reason: str = "manual") -> bool:
        """Switch a domain to `local` or `pc`, as on the robot's own page. Returns whether the mode changed.

        Raises:
            RobotError: unknown domain or target.
        """
        if domain not in self.domains or target not in ("local", "pc"):
            raise RobotError(f"the robot has no domain {domain!r} with a mode {target!r}")
        return self._api.registry.set_mode(domain, target, reason)[1]

    def play_to_microphone(self, clip: AudioClip) -> None:
        """Play `clip` to the microphone next. The clip is lost while the voice process does not record."""
        self._microphone.insert(clip)

    def mute(self, muted: bool = True) -> None:
        """Silence instead of the playlist, after the current sound; `play_to_microphone` still works."""
        self._microphone.muted = muted

    def request_speech(self, text: str, voice: str | None = None, framing: Framing = "multipart") -> None:
        """Send `voice.tts.request`."""
        body = {"text": text} if voice is None else {"text": text, "voice": voice}
        self._outbox.send("voice.tts.request", body, framing)

    def restart_voice(self) -> None:
        """Restart the voice process, also after exit code 0. It chooses its path by the AI mode."""
        self._voice.restart()

    def restart_navigator(self) -> None:
        """Restart the navigator, also after a message ended it. It chooses its source by the AI mode."""
        self._navigator.restart()

    # Faults.

    def stop_broker(self) -> None:
        self._broker.stop()

    def start_broker(self) -> None:
        """On the same ports as before."""
        self._broker.start()

    def kill_api(self) -> None:
        """End the HTTP interface and the probe; their state in memory is lost."""
        self._api.stop()

    def start_api(self) -> None:
        """On the same port as before."""
        self._api.start()

    def freeze_camera(self, frozen: bool = True) -> None:
        """Repeat the same picture, with new time stamps and other bytes; see `frozen_camera`."""
        self._camera.frozen = frozen

    def break_motion_bridge(self, broken: bool = True) -> None:
        """Make `POST /api/control` answer 502."""
        self._motion_bridge_up = not broken

    def send(self, topic: str, body: Mapping[str, Any], framing: Framing = "multipart") -> None:
        """Publish any message as the robot."""
        self._outbox.send(topic, body, framing)

    def inject(self, fault: str) -> None:
        """Publish one of the malformed messages of `faults.MALFORMED`.

        Raises:
            RobotError: unknown name.
        """
        if fault not in MALFORMED:
            raise RobotError(f"there is no fault {fault[:80]!r}", remedy=f"use one of {', '.join(MALFORMED)}")
        self._outbox.put(MALFORMED[fault]())

    # Wiring.

    def _announce(self, domain: str, state: State) -> None:
        self._outbox.send(f"provider.{domain}.state", {**state, "domain": domain, "ts": self._clock()})

    def _open_registry(self) -> DomainRegistry:
        return DomainRegistry(self._file, self._announce, self._clock, self.config.default_pc_url)

    def _api_context(self, registry: DomainRegistry) -> ApiContext:
        return ApiContext(
            registry,
            self._file,
            self._camera,
            self._navigator,
            self._telemetry,
            self._outbox.send,
            self._clock,
            lambda: self._motion_bridge_up,
            self.config.safe_max_duration_s,
            self.restart_voice,
            lambda: self.voice_exit,
        )

    def _new_bus(self) -> BusThread:
        modules = (
            self._voice,
            self._camera,
            self._motion,
            self._navigator,
            self._obstacle_bridge,
            self._telemetry,
        )
        host = self.config.host
        return BusThread(
            (f"tcp://{host}:{self.publish_port}", f"tcp://{host}:{self.subscribe_port}"),
            _TOPICS,
            [periodic for module in modules for periodic in module.schedule],
            self._outbox,
            self._receive,
            self.received,
        )

    def _receive(self, message: Received, body: Any) -> str | None:
        topic = message.topic
        if topic.startswith(voice.TOPICS):
            return self._voice.receive(message, body)
        if topic.startswith(navigator.OWN):
            return self._receive_obstacle(message, body)
        if topic not in motion.TOPICS:
            return "ignored: no module reads this topic"
        if not isinstance(body, dict):
            return "ignored: no JSON object"
        return self._motion.receive(topic, body, message.framing)

    def _receive_obstacle(self, message: Received, body: Any) -> str | None:
        """The bridge receives the PC's messages as well; its effect counts where the navigator ignores them."""
        effect = self._navigator.receive(message, body)
        if message.topic != navigator.ENHANCED:
            return effect
        bridged = self._navigator.source != navigator.ENHANCED
        bridge_effect = self._obstacle_bridge.receive(message, body, settles=bridged)
        return bridge_effect if bridged else effect

    def _voice_ended(self, code: int) -> None:
        if code == voice.EXIT_LOCAL:
            log.warning(
                "the robot's voice process ended with 0 (AI mode local) and stays dead until it is restarted with: "
                "curl -X POST %s%s",
                self.api_url,
                RESTART_VOICE_PATH,
            )
        else:
            log.warning("the robot's voice process ended with %d", code)


def run(config: RobotConfig | None = None) -> None:
    """Run a simulated robot until SIGTERM or SIGINT. To be called in the main thread.

    Raises:
        ConfigError: see `SimulatedRobot`.
        RobotError: an error ended its modules.
    """
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with SimulatedRobot(config) as robot:
            while not ended.wait(1.0):
                if robot.failure is not None:
                    raise RobotError(f"the simulated robot's modules ended: {robot.failure!r}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
