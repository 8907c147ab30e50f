"""A robot with actions for faults, and an observer of its bus and its HTTP interface."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import httpx
import zmq

from rider_core.api import AudioClip
from rider_core.simulator import RobotConfig, SimulatedRobot

DOMAINS = ("voice", "vision", "text")
MICROPHONE, FRAME = "voice.asr.request", "vision.frame.offload"
OBSTACLE, RESULT, SPEECH = "vision.obstacle.enhanced", "voice.asr.result", "voice.tts.chunk"
#: Messages of the bus that are kept.
MAX_MESSAGES = 5_000


class NotReached(Exception):
    """A condition did not become true in time."""


def seconds_until(condition: Callable[[], object], limit_s: float, what: str) -> float:
    """How long it took until `condition()` was true, to 5 ms.

    Raises:
        NotReached: longer than `limit_s`.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise NotReached(f"{what}: not within {limit_s:g} s")
        time.sleep(0.005)
    return time.monotonic() - began


class Robot(Protocol):
    """The actions of a robot: the simulated one, or the real one's own modules."""

    publish_port: int
    subscribe_port: int
    api_port: int

    def say(self, clip: AudioClip) -> None:
        """Play a clip to its microphone."""

    def freeze(self, frozen: bool) -> None:
        """Freeze the camera's picture, or end that."""

    def restart_voice(self) -> None:
        """Restart its voice service."""

    def set_broker(self, up: bool) -> None:
        """Stop or start its broker."""

    def set_api(self, up: bool) -> None:
        """Stop or start its HTTP interface."""

    def set_power(self, on: bool) -> None:
        """Stop or start all of it."""

    def played_s(self) -> float:
        """Seconds of sound that its loudspeaker has played."""


class Simulated:
    """The simulated robot in this process, with the real one's time limits."""

    def __init__(self) -> None:
        self.robot = SimulatedRobot(RobotConfig(publish_port=0, subscribe_port=0, api_port=0, pc_domains=DOMAINS))
        self.robot.start()
        self.robot.mute()
        self.publish_port, self.subscribe_port = self.robot.publish_port, self.robot.subscribe_port
        self.api_port = self.robot.api_port

    def say(self, clip: AudioClip) -> None:
        self.robot.play_to_microphone(clip)

    def freeze(self, frozen: bool) -> None:
        self.robot.freeze_camera(frozen)

    def restart_voice(self) -> None:
        self.robot.restart_voice()

    def set_broker(self, up: bool) -> None:
        (self.robot.start_broker if up else self.robot.stop_broker)()

    def set_api(self, up: bool) -> None:
        (self.robot.start_api if up else self.robot.kill_api)()

    def set_power(self, on: bool) -> None:
        (self.robot.start if on else self.robot.stop)()

    def played_s(self) -> float:
        return sum(it.audible_s for it in self.robot.played)

    def close(self) -> None:
        self.robot.stop()


class Message(NamedTuple):
    """Attributes: when it came (monotonic), its topic, and its body without sound and pictures."""

    at: float
    topic: str
    body: dict[str, Any]


class Observer:
    """Subscribes to the robot's bus and polls its HTTP interface, as another machine in the network could."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{robot.api_port}", timeout=3.0, verify=False)
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self._last: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        #: Whether the PC can serve all domains.
        self.can_be_served: Callable[[], bool] = lambda: True
        self.voice_restarts = 0
        self._restarted = float("-inf")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2)
        self._client.close()

    def messages(self, topic: str) -> list[Message]:
        with self._lock:
            return [it for it in self._messages if it.topic == topic]

    def last(self, topic: str) -> Message | None:
        """The newest message of a topic."""
        with self._lock:
            return self._last.get(topic)

    def is_recent(self, topic: str, limit_s: float) -> bool:
        last = self.last(topic)
        return last is not None and time.monotonic() - last.at < limit_s

    def modes(self) -> dict[str, str]:
        """The mode of each domain, by the HTTP interface; empty where it does not answer."""
        with suppress(httpx.HTTPError, ValueError, KeyError):
            domains = self._client.get("/api/providers/state").json()["domains"]
            return {name: state["mode"] for name, state in domains.items()}
        return {}

    def ai_mode(self) -> str:
        with suppress(httpx.HTTPError, ValueError):
            return str(self._client.get("/api/system/ai-mode").json().get("mode"))
        return ""

    def switch(self, domain: str, mode: str) -> None:
        with suppress(httpx.HTTPError):
            self._client.patch(f"/api/providers/{domain}", json={"target": mode, "reason": "bench"})

    def is_vision_lost(self) -> bool:
        """Whether the last obstacle report was "vision lost"."""
        last = self.last(OBSTACLE)
        return last is not None and "blind" in last.body.get("meta", {})

    def is_safe(self) -> bool:
        """Whether the last obstacle report stops the robot, or its own detectors run."""
        return self.is_vision_lost() or (self.modes().get("vision") == "local" and self.ai_mode() == "local")

    def are_local(self, *domains: str) -> bool:
        modes = self.modes()
        return bool(modes) and all(modes[name] == "local" for name in domains or DOMAINS)

    def is_served(self) -> bool:
        """Whether all domains are at the PC, frames are analysed, the microphone streams, and results come.

        A voice service that does not run although voice is at the PC is restarted, as the robot's owner does when the
        panel shows the hint.
        """
        modes = self.modes()
        if not modes or set(modes.values()) != {"pc"}:
            return False
        now = time.monotonic()
        if not self.is_recent(MICROPHONE, 3.0) and now - self._restarted > 6.0:
            self._restarted = now
            self.voice_restarts += 1
            self._robot.restart_voice()
        return (
            self.is_recent(OBSTACLE, 1.0)
            and not self.is_vision_lost()
            and self.is_recent(MICROPHONE, 1.0)
            and self.is_recent(RESULT, 4.0)
        )

    def make_ready(self, limit_s: float = 300.0) -> None:
        """Switch all domains to the PC without waiting for the link's takeover, but not before the PC can serve them:
        the link would fail them over at once, and wait longer before its next takeover.
        """

        def ready() -> bool:
            if not self.can_be_served():
                return False
            for name, mode in self.modes().items():
                if mode != "pc":
                    self.switch(name, "pc")
            return self.is_served()

        seconds_until(ready, limit_s, "all domains served")

    def _listen(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as bus:
            bus.linger = 0
            for topic in (MICROPHONE, FRAME, OBSTACLE, RESULT, SPEECH):
                bus.subscribe(topic)
            bus.connect(f"tcp://127.0.0.1:{self._robot.subscribe_port}")
            while not self._stop.is_set():
                if bus.poll(200):
                    self._note(bus.recv_multipart())

    def _note(self, parts: list[bytes]) -> None:
        with suppress(ValueError, IndexError):
            topic = parts[0].decode()
            body = {} if topic in (MICROPHONE, FRAME, SPEECH) else json.loads(parts[1])
            body.pop("tts", None)
            message = Message(time.monotonic(), topic, body)
            with self._lock:
                self._last[topic] = message
                if topic not in (MICROPHONE, FRAME):
                    self._messages.append(message)
