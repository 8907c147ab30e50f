"""Wires the link's parts together, and subscribes each to its topics."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.api.steering import DOMAINS, BusView, Restart
from rider_core.api.telemetry import TelemetryView
from rider_core.link import keepalive
from rider_core.link.asr_pipeline import AsrPipeline
from rider_core.link.barge_in_pause import BargeInPause
from rider_core.link.bus import NOT_CONNECTED, RobotBus
from rider_core.link.conversation import Conversation
from rider_core.link.domain_failover import DomainFailover
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.keepalive import VoiceKeepalive
from rider_core.link.messages import Device
from rider_core.link.microphone_stream import MicrophoneStream
from rider_core.link.options import LinkOptions
from rider_core.link.preferences import Preferences
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.link.restarts import needed_restarts, voice_command
from rider_core.link.robot_api import RobotApi
from rider_core.link.robot_domains import RobotDomains
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.speech_output import SpeechOutput
from rider_core.link.steering import Steering
from rider_core.link.telemetry import LastTelemetry
from rider_core.link.tts_pipeline import TtsPipeline
from rider_core.link.vision_pipeline import VisionPipeline
from rider_core.metrics import BATTERY, LINK_UP, ROBOT

log = logging.getLogger(__name__)

#: For this time after its start the bus that is not up yet is no outage, in seconds: it connects and proves itself.
FIRST_TRY_S = 3.0
NOT_POLLED = "not polled yet"
#: What stands for a problem until the first try, and is none.
NOT_TRIED = frozenset({NOT_POLLED, NOT_CONNECTED})


class Link:
    """The link to one robot."""

    def __init__(self, options: LinkOptions, services: LinkServices) -> None:
        self._options = options
        self._services = services
        for channel in ("bus", "http"):
            LINK_UP.labels(ROBOT, channel).set(0)
        self._robot_problem = NOT_POLLED
        self._bus_since: float | None = None
        self._started = time.monotonic()
        self._battery_pct: int | None = None
        self._telemetry = LastTelemetry()
        self._bus = RobotBus(options.publish_address, options.subscribe_address, self._bus_changed)
        self._rejections = RejectionReporter(services.publish, self._bus.send)
        self._api = RobotApi(options.robot_api_url)
        preferences = Preferences(options.preferences_file)
        self._robot = RobotDomains(self._api, options.base_url, preferences, services.publish, self._robot_changed)
        self._failover = DomainFailover(self._robot, preferences, services.capacity, options.all_together)
        self._executor = SerialExecutor()
        output = SpeechOutput(self._bus.send, options.voice_keepalive)
        pause = BargeInPause(output, lambda: self._microphone.last_chunk, lambda: self._microphone.speech_s)
        self._tts = TtsPipeline(
            services,
            output,
            self._rejections,
            self._executor,
            options.chunk_s,
            pause if options.barge_in else None,
        )
        self._conversation = Conversation(
            services,
            self._tts,
            serves_text=lambda: self._robot.owner("text").mode == "pc",
            fail_over=partial(self._failover.fail_over, "text"),
            executor=self._executor,
            preset=options.prompt,
        )
        fail_voice_over = partial(self._failover.fail_over, "voice")
        self._asr = AsrPipeline(services, self._bus.send, fail_voice_over, self._conversation, options.voice_keepalive)
        self._microphone = MicrophoneStream(
            self._asr.recognise,
            self._conversation.interrupt,
            EchoSuppressor(lambda: output.plays_until),
            self._executor,
            options.language,
            options.barge_in,
        )
        self._keepalive = (
            VoiceKeepalive(
                services,
                self._bus.send,
                last_chunk=lambda: self._microphone.last_chunk,
                last_text=partial(self._bus.last_sent, keepalive.TOPIC),
                failed_over=partial(self._robot.is_failed_over, "voice"),
            )
            if options.voice_keepalive
            else None
        )
        fail_vision_over = partial(self._failover.fail_over, "vision")
        owner = partial(self._robot.owner, "vision")
        self._vision = VisionPipeline(services, self._bus.send, fail_vision_over, owner, options.vision)
        self._bus.on("vision.frame.offload", self._vision.buffer.receive_frame)
        self._bus.on("voice.asr.request", self._microphone.receive_chunk)
        self._bus.on("voice.tts.request", self._tts.receive_request)
        for domain in DOMAINS:
            self._bus.on(f"provider.{domain}.state", self._robot.receive_state)
        self._bus.on("devices.xgo", self._receive_device)
        self._bus.on("robot.pose", self._telemetry.receive_pose)
        self._bus.on("motion.state", self._telemetry.receive_motion)
        self._bus.on("imu.data", self._telemetry.receive_attitude)
        self._bus.on("navigator.state", self._vision.monitor.receive_navigator)

    def start(self) -> None:
        self._executor.start()
        self._asr.start()
        self._tts.start()
        self._conversation.start()
        self._vision.start()
        self._bus.start(self._rejections)
        self._failover.start()
        if self._keepalive is not None:
            self._keepalive.start()

    def stop(self, fail_over: bool = True) -> None:
        """Fail the domains over, finish what is in progress, and end.

        Args:
            fail_over: False: another link takes over in a few seconds.
        """
        if self._keepalive is not None:
            self._keepalive.stop()
        # First: its last report must be sent before the bus ends.
        self._vision.stop()
        self._failover.stop(fail_over)
        self._asr.stop()
        self._conversation.stop()
        self._tts.stop()
        self._executor.stop()
        self._bus.stop()
        self._api.close()

    def stuck(self) -> str:
        """Which threads hang or have ended; empty: none. The process must then be restarted."""
        voice = self._asr, self._tts, self._conversation
        parts = self._bus, self._failover, self._vision, self._vision.monitor, *voice, self._executor
        watchdogs = [part.watchdog for part in parts]
        if self._keepalive is not None:
            watchdogs.append(self._keepalive.watchdog)
        return "; ".join(filter(None, (watchdog.problem() for watchdog in watchdogs)))

    def steering(self, stop: Callable[[], None]) -> Steering:
        """The handler of people's requests.

        Args:
            stop: Asks the process to end; returns at once.
        """
        return Steering(self._options, self._robot, self._failover, self._bus, self._api, self._restarts, stop)

    def telemetry(self) -> TelemetryView:
        """What the robot tells about itself, and how well it is reached. For one thread."""
        bus_s, http_s = self._bus.round_trip_s, self._robot.round_trip_s
        return self._telemetry.view(_ms(bus_s), _ms(http_s), self._bus.received)

    def describe(self) -> dict[str, Any]:
        """The link's state, as the panel shows it."""
        bus = self._bus.state
        problems = [problem for problem in (bus.problem, self._robot_problem) if problem]
        return {
            "role": "link",
            "name": "link",
            "state": "up" if bus.up else "down",
            "robot": self._options.robot_api_url,
            "simulated": self._options.simulated,
            "base_url": self._options.base_url,
            "problems": problems,
            "domains": [self._robot.describe(name) for name in DOMAINS],
            "restarts": [each.model_dump() for each in self._restarts()],
            "channels": self._channels(),
        }

    def _channels(self) -> dict[str, str]:
        """The robot's interfaces that were tried, each with its problem; empty: it works."""
        problems = {"bus": self._bus.state.problem, "http": self._robot_problem}
        if self._bus_since is None and time.monotonic() - self._started < FIRST_TRY_S:
            del problems["bus"]
        return {name: problem for name, problem in problems.items() if problem not in NOT_TRIED}

    def _receive_device(self, body: dict[str, Any]) -> None:
        """Publish the battery's charge when its whole percents change."""
        device = parse_message(Device, body)
        self._telemetry.receive_device(device)
        battery = device.battery_pct
        if battery is not None and round(battery) != self._battery_pct:
            self._battery_pct = round(battery)
            BATTERY.labels(ROBOT).set(battery / 100)
            self._publish_state()

    def _bus_changed(self, state: BusView) -> None:
        self._bus_since = time.monotonic() if state.up else None
        LINK_UP.labels(ROBOT, "bus").set(state.up)
        self._failover.readiness.set_bus_problem(state.problem)
        if state.up:
            log.info("the robot's bus is up")
            self._vision.monitor.bus_is_back()
        else:
            log.warning("the robot's bus is down: %s", state.problem)
            self._microphone.reset()
            self._vision.reset()
        self._publish_state()

    def _robot_changed(self, problem: str) -> None:
        self._robot_problem = problem
        LINK_UP.labels(ROBOT, "http").set(not problem)
        if problem:
            log.warning("the robot's HTTP interface: %s", problem)
        else:
            log.info("the robot's HTTP interface answers")
        self._publish_state()

    def _restarts(self) -> tuple[Restart, ...]:
        command = voice_command(self._options.robot_api_url, self._options.simulated)
        return needed_restarts(self._robot.owner("voice"), self._microphone.last_chunk, self._bus_since, command)

    def _publish_state(self) -> None:
        self._services.publish(
            "robot.link",
            up=self._bus.state.up,
            address=self._options.robot_api_url,
            simulated=self._options.simulated,
            battery_pct=self._battery_pct,
            reason="; ".join(filter(None, (self._bus.state.problem, self._robot_problem))),
            channels=self._channels(),
        )


def _ms(duration_s: float | None) -> float | None:
    return None if duration_s is None else round(duration_s * 1000, 1)
