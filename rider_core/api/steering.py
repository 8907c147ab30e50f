"""Requests to the link and its answers: which side serves each of the robot's domains, and switching it.

The messages are sent over a Unix socket or over Redis (`rider_core.rpc`). The link handles them in `link/steering.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from rider_core.api.messages import Message

#: The robot's domains, in the order of display.
DOMAINS = ("voice", "vision", "text")
#: `pc`: the PC serves the domain whenever it can. `local`: the robot serves it. `automatic`: the robot's own setting; a
#: domain that was lost without a person's choice is taken back.
Choice = Literal["pc", "local", "automatic"]
CHOICES: tuple[Choice, ...] = ("pc", "local", "automatic")
#: Limit of stored switches; the oldest are dropped.
MAX_SWITCHES = 200
#: Limit of a person's reason, in characters.
MAX_WHY = 200


class ShowRequest(Message):
    """Asks for the state, which the link answers without a call to the robot."""

    action: Literal["show"] = "show"
    switches: int = Field(20, ge=0, le=MAX_SWITCHES, description="how many of the last switches to include")


class SwitchRequest(Message):
    """A person's choice of the side that serves a domain."""

    action: Literal["switch"] = "switch"
    domain: str = Field(min_length=1, max_length=32, description="voice, vision or text")
    choice: Choice = Field(description="pc, local or automatic")
    by: str = Field(min_length=1, max_length=64, description="where it was chosen: panel, command line, API")
    why: str = Field("", max_length=MAX_WHY, description="that person's reason")


class SwitchAllRequest(Message):
    """A person's choices for several domains, which the link applies in one step."""

    action: Literal["switch_all"] = "switch_all"
    choices: dict[str, Choice] = Field(min_length=1, max_length=len(DOMAINS), description="domain to choice")
    by: str = Field(min_length=1, max_length=64, description="where it was chosen: panel, command line, API")
    why: str = Field("", max_length=MAX_WHY, description="that person's reason")


class HaltRequest(Message):
    """Asks for the robot's motion to be stopped at once."""

    action: Literal["halt"] = "halt"
    by: str = Field(min_length=1, max_length=64, description="where it was asked: panel, command line, API")


class StopRequest(Message):
    """Fail all domains over to the robot, and end the link."""

    action: Literal["stop"] = "stop"


_AnyRequest = ShowRequest | SwitchRequest | SwitchAllRequest | HaltRequest | StopRequest
SteeringRequest = Annotated[_AnyRequest, Field(discriminator="action")]
STEERING_REQUESTS: TypeAdapter[_AnyRequest] = TypeAdapter(SteeringRequest)


class _AnswerPart(Message):
    """Base of an answer's parts. Unknown keys are ignored: the link may be newer than its client."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Switch(Message):
    """One change of the side that serves a domain."""

    ts: float = Field(description="our clock, seconds since the epoch")
    domain: str
    mode: Literal["local", "pc"]
    by: str = Field(description="rider-pc, robot, at the robot, or where a person chose it here")
    reason: str


class DomainView(_AnswerPart):
    """One domain: its mode, a person's choice, and problems."""

    domain: str
    mode: str = Field(description="pc or local, the robot's last report; empty: none yet")
    status: str = Field("", description="the status in the robot's report")
    reason: str = Field("", description="why the robot has this mode")
    choice: Choice = Field(description="the person's choice")
    by: str = Field("", description="where it was chosen; empty: no person has chosen")
    why: str = Field("", description="that person's reason")
    problem: str = Field("", description="why the PC cannot serve it now, or why the robot was not switched")
    unattended: bool = Field(False, description="vision only: neither side detects objects; the robot is told to stop")


class BusView(_AnswerPart):
    """The robot's message bus. Both directions are tested by a message that is sent round."""

    up: bool
    to_robot: bool = Field(description="our messages arrive")
    from_robot: bool = Field(description="the robot's messages arrive")
    problem: str = ""


class HeartbeatView(_AnswerPart):
    """Our heartbeat to the robot's HTTP interface."""

    sent_ts: float | None = Field(None, description="when the last one was sent, seconds since the epoch")
    answered: bool = Field(description="whether the robot answered the last one")
    problem: str = ""


class Restart(_AnswerPart):
    """A service of the robot that must be restarted."""

    what: str = Field(description="for people: restart the robot's voice service")
    why: str
    command: str = Field(description="to be run on the robot")


class RobotView(_AnswerPart):
    """The answer to `ShowRequest`."""

    address: str = Field(description="the robot's HTTP interface")
    base_url: str = Field(description="our own HTTP address as the robot sees it")
    simulated: bool
    pid: int = Field(description="process id of the link")
    bus: BusView
    heartbeat: HeartbeatView
    domains: tuple[DomainView, ...]
    work: dict[str, dict[str, int]] = Field(description="delegated work since the link's start: domain, outcome, count")
    restarts: tuple[Restart, ...] = Field((), description="services of the robot that must be restarted")
    switches: tuple[Switch, ...] = Field((), description="the last changes, oldest first")


class SwitchView(_AnswerPart):
    """The answer to `SwitchRequest`."""

    domain: DomainView
    confirmed: bool = Field(description="the robot reports the chosen mode")
    problem: str = Field("", description="why it is not confirmed yet")
    restarts: tuple[Restart, ...] = ()


class HaltView(_AnswerPart):
    """The answer to `HaltRequest`."""

    confirmed: bool = Field(description="the robot's HTTP interface has taken the command")
    bus: bool = Field(description="it was sent on the robot's bus as well, which answers nothing")
    problem: str = Field("", description="why it is not confirmed")


class Refusal(_AnswerPart):
    """Why a request was refused, with the fields of our errors."""

    code: str
    message: str
    remedy: str | None = None


class SteeringAnswer(_AnswerPart):
    """One of the fields is set; none in the answer to `stop`."""

    robot: RobotView | None = None
    switch: SwitchView | None = None
    switched: tuple[SwitchView, ...] | None = None
    halt: HaltView | None = None
    refusal: Refusal | None = None
