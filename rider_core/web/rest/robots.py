"""The robot: its state, and whether the PC or the robot serves each domain. The link answers.

A switch is answered with 200 if the robot reports what was chosen (`confirmed: true`), else with 202: the choice is
kept, `problem` has the reason, and the link retries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from flask import request
from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.api.steering import DOMAINS, MAX_SWITCHES, MAX_WHY, Choice, HaltView, RobotView, Switch, SwitchView
from rider_core.api.telemetry import TelemetryView
from rider_core.database.outages import Outage
from rider_core.errors import BackendUnavailable, NoAnswer, NotFound
from rider_core.runtime.robot_client import ROBOT, RobotClient
from rider_core.web.access.identity import OWNER, identity_of
from rider_core.web.rest.blueprint import Answer, RestBlueprint

#: Switches that come with a robot's state.
_LAST_SWITCHES = 20
OutageKind = Literal["bus", "http", "link"]
#: Limit of who has chosen, in characters.
_MAX_BY = 64


class RobotPath(Message):
    robot: str = Field(max_length=64, description="the robot's name")


class DomainPath(RobotPath):
    domain: str = Field(max_length=64, description=f"one of {', '.join(DOMAINS)}")


class ChoiceBody(Message):
    choice: Choice = Field(description="pc, local (the robot) or automatic")
    why: str = Field("", max_length=MAX_WHY, description="reason, for the history")


class ChoicesBody(Message):
    choices: dict[Literal["voice", "vision", "text"], Choice] = Field(
        min_length=1, description="domain to pc, local (the robot) or automatic; domains left out stay as they are"
    )
    why: str = Field("", max_length=MAX_WHY, description="reason, for the history")


class SwitchedView(Message):
    switched: tuple[SwitchView, ...] = Field(description="one for each domain of the request, in its order")


class NamedRobot(Message):
    """A robot, and its state where the link answers."""

    name: str
    problem: str = Field(description="why there is no state; empty: there is one")
    remedy: str | None = None
    state: RobotView | None


class RobotsView(Message):
    robots: tuple[NamedRobot, ...]


class SwitchesView(Message):
    switches: tuple[Switch, ...] = Field(description="oldest first")


class OutagesQuery(Message):
    what: OutageKind | None = Field(None, description="only outages of this")
    limit: int = Field(200, ge=1, le=1_000)


class OutageView(Message):
    what: OutageKind = Field(description="bus, http: the robot's interfaces; link: our own process")
    begin_ts: float = Field(description="seconds since the epoch")
    end_ts: float | None = Field(description="null: it lasts")
    why: str


class OutagesView(Message):
    outages: tuple[OutageView, ...] = Field(description="the latest first")


def robots_blueprint(
    client: RobotClient,
    telemetry: Callable[[], TelemetryView],
    outages: Callable[[], list[Outage]],
) -> RestBlueprint:
    """The routes. Most send a request to the link.

    Args:
        client: Reaches the link without Redis where it runs on this machine.
        telemetry: Reads what the robot told last.
        outages: Reads the kept outages, the latest first.
    """
    robots = RestBlueprint("robots", "The robots, and who serves their domains")

    @robots.operation("GET", "", Role.READ, RobotsView)
    def list_robots() -> RobotsView:
        """Every robot; one whose link does not answer has a `problem`"""
        try:
            robot = NamedRobot(name=ROBOT, problem="", state=client.show(switches=0))
        except (NoAnswer, BackendUnavailable) as error:
            robot = NamedRobot(name=ROBOT, problem=error.message, remedy=error.remedy, state=None)
        return RobotsView(robots=(robot,))

    @robots.operation("GET", "/<robot>", Role.READ, RobotView, problems=(404,))
    def show_robot(path: RobotPath) -> RobotView:
        """One robot's state, with its last switches"""
        _check_robot(path)
        return client.show(_LAST_SWITCHES)

    @robots.operation("GET", "/<robot>/telemetry", Role.READ, TelemetryView, problems=(404,))
    def show_telemetry(path: RobotPath) -> TelemetryView:
        """What the robot told about itself last: pose, motion, battery, attitude; each with its time

        Once a second from the link, which need not run now. What the robot never told is null.
        """
        _check_robot(path)
        return telemetry()

    @robots.operation("GET", "/<robot>/switches", Role.READ, SwitchesView, problems=(404,))
    def show_switches(path: RobotPath) -> SwitchesView:
        """The history of switches"""
        _check_robot(path)
        return SwitchesView(switches=client.show(MAX_SWITCHES).switches)

    @robots.operation("GET", "/<robot>/outages", Role.READ, OutagesView, problems=(404,))
    def show_outages(path: RobotPath, query: OutagesQuery) -> OutagesView:
        """When the robot or the link was away, and why; kept in the database"""
        _check_robot(path)
        found = [it for it in outages() if query.what in (None, it.what)][: query.limit]
        return OutagesView(outages=tuple(OutageView.model_validate(it._asdict()) for it in found))

    @robots.operation(
        "PATCH",
        "/<robot>/domains/<domain>",
        Role.OPERATE,
        SwitchView,
        others={202: SwitchView},
        problems=(404,),
    )
    def choose(path: DomainPath, body: ChoiceBody) -> Answer:
        """Choose whether the PC or the robot serves a domain

        202: the robot has not confirmed it yet; the choice is kept, and the link retries.
        """
        _check_robot(path)
        if path.domain not in DOMAINS:
            raise NotFound(f"the robot has no domain {path.domain!r}", remedy=f"use one of {', '.join(DOMAINS)}")
        switched = client.switch(path.domain, body.choice, _where(), body.why)
        return Answer(switched, status=200 if switched.confirmed else 202)

    @robots.operation(
        "PATCH", "/<robot>/domains", Role.OPERATE, SwitchedView, others={202: SwitchedView}, problems=(404,)
    )
    def choose_all(path: RobotPath, body: ChoicesBody) -> Answer:
        """Choose whether the PC or the robot serves several domains, in one step

        202: the robot has not confirmed all of them yet; the choices are kept, and the link retries.
        """
        _check_robot(path)
        choices: dict[str, Choice] = dict(body.choices.items())
        switched = client.switch_all(choices, _where(), body.why)
        return Answer(SwitchedView(switched=switched), status=200 if all(it.confirmed for it in switched) else 202)

    @robots.operation(
        "POST", "/<robot>/stop", Role.READ, HaltView, others={202: HaltView}, problems=(404,), is_limited=False
    )
    def stop_robot(path: RobotPath) -> Answer:
        """Stop the robot's motion at once

        Whoever may look may stop it. 202: it was sent on the robot's bus, and its HTTP interface has not confirmed it.
        """
        _check_robot(path)
        halted = client.halt(_where())
        return Answer(halted, status=200 if halted.confirmed else 202)

    return robots


def _where() -> str:
    """Where the request comes from, with the name of who has signed in.

    A browser sends `Origin`, and the security middleware admits the panel's own page only.
    """
    where = "the panel" if "Origin" in request.headers else "the HTTP interface"
    identity = identity_of(request.environ)
    # The robot keeps it in the reason of the switch, where a colon ends it.
    return where if identity == OWNER else f"{where} ({identity.name.removeprefix('token:')})"[:_MAX_BY]


def _check_robot(path: RobotPath) -> None:
    if path.robot != ROBOT:
        raise NotFound(f"there is no robot {path.robot!r}", remedy=f"its name is {ROBOT}")
