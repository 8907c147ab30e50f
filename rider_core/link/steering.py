"""Handles people's requests: show the state of the link and of the domains, switch a domain, halt the robot, stop the
link.

`rider_core.rpc` delivers the requests, over a Unix socket and over Redis.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter
from pydantic import ValidationError

from rider_core.api.messages import first_problem
from rider_core.api.steering import (
    DOMAINS,
    STEERING_REQUESTS,
    Choice,
    DomainView,
    HaltRequest,
    HaltView,
    HeartbeatView,
    Refusal,
    Restart,
    RobotView,
    ShowRequest,
    SteeringAnswer,
    SwitchAllRequest,
    SwitchRequest,
    SwitchView,
)
from rider_core.errors import InvalidInput, RiderError
from rider_core.link.bus import RobotBus
from rider_core.link.domain_failover import DomainFailover
from rider_core.link.options import LinkOptions
from rider_core.link.robot_api import RobotApi
from rider_core.link.robot_domains import RobotDomains
from rider_core.metrics import ANSWERS, FRAMES, REFUSED, UTTERANCES

log = logging.getLogger(__name__)

#: The longest wait for the robot's answer to a switch, and the time reserved for the answer to the client, in seconds.
SWITCH_LIMIT_S, ANSWER_S = 4.0, 0.5
#: The robot's motion executor stops on it.
STOP = "cmd.stop"
#: The counters of the work that the robot delegates to us.
WORK: dict[str, Counter] = {"voice": UTTERANCES, "vision": FRAMES, "text": ANSWERS}


@dataclass(frozen=True)
class Steering:
    """See `rpc.handling.Handler`.

    Attributes:
        restarts: Returns which of the robot's services a person must restart.
        stop: Requests an orderly end of the process; returns at once.
    """

    options: LinkOptions
    robot: RobotDomains
    failover: DomainFailover
    bus: RobotBus
    api: RobotApi
    restarts: Callable[[], tuple[Restart, ...]]
    stop: Callable[[], None]

    def answer(self, request: bytes, left_s: float) -> bytes:
        """Execute one request; its result in JSON. Never raises."""
        try:
            return _encode(self._execute(request, left_s))
        except RiderError as error:
            REFUSED.labels("link", error.code).inc()
            return self.refuse(error)
        except Exception:  # the edge: the client must get an answer
            log.exception("a request could not be executed")
            return self.refuse(RiderError("the link could not execute the request", remedy="see the link's log"))

    def refuse(self, error: RiderError) -> bytes:
        refusal = Refusal(code=error.code, message=error.message[:1_000], remedy=error.remedy)
        return _encode(SteeringAnswer(refusal=refusal))

    def _execute(self, request: bytes, left_s: float) -> SteeringAnswer:
        try:
            parsed = STEERING_REQUESTS.validate_json(request)
        except ValidationError as error:
            raise InvalidInput(first_problem(error)) from None
        if isinstance(parsed, ShowRequest):
            return SteeringAnswer(robot=self._show(parsed))
        if isinstance(parsed, SwitchRequest):
            (switched,) = self._switch({parsed.domain: parsed.choice}, parsed, left_s)
            return SteeringAnswer(switch=switched)
        if isinstance(parsed, SwitchAllRequest):
            return SteeringAnswer(switched=self._switch(parsed.choices, parsed, left_s))
        if isinstance(parsed, HaltRequest):
            return SteeringAnswer(halt=self._halt(parsed))
        log.info("a request stops the link")
        self.stop()
        return SteeringAnswer()

    def _show(self, request: ShowRequest) -> RobotView:
        switches = self.robot.switches
        return RobotView(
            address=self.options.robot_api_url,
            base_url=self.options.base_url,
            simulated=self.options.simulated,
            pid=os.getpid(),
            bus=self.bus.state,
            heartbeat=self.robot.heartbeat,
            domains=tuple(_view(self.robot.describe(name)) for name in DOMAINS),
            work={domain: _counts(counter) for domain, counter in WORK.items()},
            restarts=self.restarts(),
            switches=tuple(switches[max(0, len(switches) - request.switches) :]),
        )

    def _switch(
        self, choices: Mapping[str, Choice], request: SwitchRequest | SwitchAllRequest, left_s: float
    ) -> tuple[SwitchView, ...]:
        limit_s = max(0.0, min(SWITCH_LIMIT_S, left_s - ANSWER_S))
        described = self.failover.prefer_all(choices, request.by, request.why, limit_s)
        return tuple(map(self._switched, described))

    def _switched(self, described: dict[str, Any]) -> SwitchView:
        """Whether the robot reports what was chosen for a domain, or why it does not yet."""
        domain, heartbeat, was_tried = _view(described), self.robot.heartbeat, bool(described["tried"])
        confirmed = was_tried and heartbeat.answered and self.robot.agrees(domain.domain)
        problem = "" if confirmed else domain.problem or _not_yet(domain, heartbeat, was_tried)
        return SwitchView(domain=domain, confirmed=confirmed, problem=problem, restarts=self.restarts())

    def _halt(self, request: HaltRequest) -> HaltView:
        """On both ways at once: either may be broken just then."""
        log.warning("%s asks the robot to stop", request.by)
        sent = self.bus.send(STOP, {})
        try:
            self.api.stop_motion()
        except RiderError as error:
            return HaltView(confirmed=False, bus=sent, problem=error.message)
        return HaltView(confirmed=True, bus=sent)


def _not_yet(domain: DomainView, heartbeat: HeartbeatView, was_tried: bool) -> str:
    """Why the switch is not confirmed yet."""
    if not was_tried:
        return "the robot has not answered yet; the link goes on trying"
    if heartbeat.problem:
        return f"the robot does not answer: {heartbeat.problem}"
    return f"the robot reports {domain.mode or 'nothing'} for {domain.domain}; the link goes on trying"


def _view(described: dict[str, Any]) -> DomainView:
    return DomainView.model_validate(described)


def _counts(counter: Counter) -> dict[str, int]:
    """Outcome to count, of this process."""
    samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return {sample.labels["outcome"]: round(sample.value) for sample in samples}


def _encode(answer: SteeringAnswer) -> bytes:
    return answer.model_dump_json(exclude_none=True).encode()
