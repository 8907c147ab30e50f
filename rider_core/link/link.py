"""The link put together: which message goes to whom."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.api.steering import DOMAINS, BusView, Restart
from rider_core.link import keepalive
from rider_core.link.background import Background
from rider_core.link.bus import RobotBus
from rider_core.link.conversing import Conversation
from rider_core.link.custody import Custody
from rider_core.link.hearing import Hearing
from rider_core.link.keepalive import VoiceKeepalive
from rider_core.link.listening_pause import ListeningPause
from rider_core.link.loudspeaker import Loudspeaker
from rider_core.link.messages import Device
from rider_core.link.options import House, LinkOptions
from rider_core.link.own_speech import OwnSpeech
from rider_core.link.preferences import Preferences
from rider_core.link.refusals import Refusals
from rider_core.link.restarts import needed_restarts, voice_command
from rider_core.link.robot_api import RobotApi
from rider_core.link.seeing import Seeing
from rider_core.link.speaking import Speaking
from rider_core.link.steering import Steering

log = logging.getLogger(__name__)


class Link:
    """The link to one robot."""

    def __init__(self, options: LinkOptions, house: House) -> None:
        self._options = options
        self._house = house
        self._robot_problem = "not asked yet"
        self._bus_since: float | None = None
        self._battery_pct: int | None = None
        self._bus = RobotBus(options.publish_address, options.subscribe_address, self._bus_changed)
        self._refusals = Refusals(house.tell, self._bus.send)
        self._api = RobotApi(options.robot_api_url)
        self._custody = Custody(
            house,
            self._api,
            options.base_url,
            self._robot_changed,
            Preferences(options.preferences_file),
            options.all_together,
        )
        self._background = Background()
        loudspeaker = Loudspeaker(self._bus.send, options.voice_keepalive)
        pause = ListeningPause(loudspeaker, lambda: self._hearing.last_chunk, lambda: self._hearing.speech_s)
        self._speaking = Speaking(
            house,
            loudspeaker,
            self._refusals,
            self._background,
            options.piece_s,
            pause if options.barge_in else None,
        )
        self._conversation = Conversation(
            house,
            self._speaking,
            serves_text=lambda: self._custody.standing("text").mode == "pc",
            give_back=partial(self._custody.give_back, "text"),
            background=self._background,
            preset=options.prompt,
        )
        give_voice_back = partial(self._custody.give_back, "voice")
        own_speech = OwnSpeech(lambda: loudspeaker.plays_until)
        self._hearing = Hearing(
            house, self._bus.send, give_voice_back, self._conversation, own_speech, self._background, options
        )
        self._keepalive = (
            VoiceKeepalive(
                house,
                self._bus.send,
                heard=lambda: self._hearing.last_chunk,
                said=partial(self._bus.last_sent, keepalive.TOPIC),
                refused=partial(self._custody.is_handed_back, "voice"),
            )
            if options.voice_keepalive
            else None
        )
        give_vision_back = partial(self._custody.give_back, "vision")
        standing = partial(self._custody.standing, "vision")
        self._seeing = Seeing(house, self._bus.send, give_vision_back, standing, options.vision)
        self._bus.on("vision.frame.offload", self._seeing.take_frame)
        self._bus.on("voice.asr.request", self._hearing.take_chunk)
        self._bus.on("voice.tts.request", self._speaking.take_request)
        for domain in DOMAINS:
            self._bus.on(f"provider.{domain}.state", self._custody.take_state)
        self._bus.on("devices.xgo", self._take_device)
        self._bus.on("navigator.state", self._seeing.watch.take_navigator)

    def start(self) -> None:
        self._background.start()
        self._hearing.start()
        self._speaking.start()
        self._conversation.start()
        self._seeing.start()
        self._bus.start(self._refusals)
        self._custody.start()
        if self._keepalive is not None:
            self._keepalive.start()

    def stop(self, hand_back: bool = True) -> None:
        """Hand the domains back, answer what is under way, and end.

        Args:
            hand_back: False where another link takes over in a few seconds.
        """
        if self._keepalive is not None:
            self._keepalive.stop()
        # First: its last word must be out before the bus ends.
        self._seeing.stop()
        self._custody.stop(hand_back)
        self._hearing.stop()
        self._conversation.stop()
        self._speaking.stop()
        self._background.stop()
        self._bus.stop()
        self._api.close()

    def stuck(self) -> str:
        """Which threads hang or have ended; empty where all live. Who is told so starts the process anew."""
        voice = self._hearing, self._speaking, self._conversation
        parts = self._bus, self._custody, self._seeing, self._seeing.watch, *voice, self._background
        pulses = [part.pulse for part in parts]
        if self._keepalive is not None:
            pulses.append(self._keepalive.pulse)
        return "; ".join(filter(None, (pulse.problem() for pulse in pulses)))

    def steering(self, stop: Callable[[], None]) -> Steering:
        """What answers people's requests.

        Args:
            stop: Asks the process to end; returns at once.
        """
        return Steering(self._options, self._custody, self._bus, self._restarts, stop)

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
            "domains": [self._custody.describe(name) for name in DOMAINS],
            "restarts": [each.model_dump() for each in self._restarts()],
        }

    def _take_device(self, body: dict[str, Any]) -> None:
        """The battery goes down slowly; it is passed on when its whole percents change."""
        battery = parse_message(Device, body).battery_pct
        if battery is not None and round(battery) != self._battery_pct:
            self._battery_pct = round(battery)
            self._tell_state()

    def _bus_changed(self, state: BusView) -> None:
        self._bus_since = time.monotonic() if state.up else None
        self._custody.readiness.bus_is(state.problem)
        if state.up:
            log.info("the robot's bus is there")
            self._seeing.watch.bus_is_back()
        else:
            log.warning("the robot's bus is gone: %s", state.problem)
            self._hearing.reset()
            self._seeing.reset()
        self._tell_state()

    def _robot_changed(self, problem: str) -> None:
        self._robot_problem = problem
        if problem:
            log.warning("the robot's HTTP interface: %s", problem)
        else:
            log.info("the robot's HTTP interface answers")
        self._tell_state()

    def _restarts(self) -> tuple[Restart, ...]:
        command = voice_command(self._options.robot_api_url, self._options.simulated)
        return needed_restarts(self._custody.standing("voice"), self._hearing.last_chunk, self._bus_since, command)

    def _tell_state(self) -> None:
        self._house.tell(
            "robot.link",
            up=self._bus.state.up,
            address=self._options.robot_api_url,
            simulated=self._options.simulated,
            battery_pct=self._battery_pct,
            reason="; ".join(filter(None, (self._bus.state.problem, self._robot_problem))),
        )
