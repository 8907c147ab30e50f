"""The client of the link for the command line and the panel: shows the robot's state, switches domains, halts it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import redis
from pydantic import ValidationError

from rider_core.api.messages import Message
from rider_core.api.steering import (
    Choice,
    HaltRequest,
    HaltView,
    Refusal,
    RobotView,
    ShowRequest,
    SteeringAnswer,
    StopRequest,
    SwitchAllRequest,
    SwitchRequest,
    SwitchView,
)
from rider_core.errors import BackendUnavailable, InvalidInput, NoAnswer, NotRunning, RiderError
from rider_core.rpc import RedisClient, ask_socket
from rider_core.runtime.redis_connection import connect_fail_fast

#: The link's name as a server over Redis.
LINK = "link"
#: Name of the only robot. It is part of the HTTP interface's paths, so that more robots need no new paths.
ROBOT = "rider"
#: Time limits of the requests, in seconds. A switch waits for the robot.
SHOW_LIMIT_S, SWITCH_LIMIT_S = 2.0, 5.0
START_REMEDY = "start everything with: rider up; if it is running, the link's lines in its log have the reason"
HANGS_REMEDY = "the link's log has the reason; if its process is ended, rider up starts it again"


class RobotClient:
    """The link's client. May be used from several threads.

    Every method raises `NotRunning` if the link is not running, `NoAnswer` if it does not answer in time,
    `BackendUnavailable` if it can only be reached over Redis and Redis cannot be reached, and `InvalidInput` if the
    link refuses the request.
    """

    def __init__(self, connection: redis.Redis, socket: Path | None) -> None:
        """
        Args:
            connection: To the Redis that the link uses.
            socket: The link's socket on this machine, which is tried first; None: Redis only.
        """
        self._redis = connect_fail_fast(connection)
        self._over_redis = RedisClient(self._redis, LINK)
        self._socket = socket

    def close(self) -> None:
        self._redis.close()

    def show(self, switches: int = 20) -> RobotView:
        """The robot's state, with the last `switches` switches."""
        view = self._ask(ShowRequest(switches=switches), SHOW_LIMIT_S).robot
        if view is None:
            raise _unreadable()
        return view

    def switch(self, domain: str, choice: Choice, by: str, why: str = "") -> SwitchView:
        """Choose whether the PC or the robot serves a domain. The result has what the robot reports."""
        request = SwitchRequest(domain=domain, choice=choice, by=by, why=why)
        view = self._ask(request, SWITCH_LIMIT_S).switch
        if view is None:
            raise _unreadable()
        return view

    def switch_all(self, choices: Mapping[str, Choice], by: str, why: str = "") -> tuple[SwitchView, ...]:
        """`switch` for several domains in one step. The results are in the order of `choices`."""
        request = SwitchAllRequest(choices=dict(choices), by=by, why=why)
        views = self._ask(request, SWITCH_LIMIT_S).switched
        if views is None:
            raise _unreadable()
        return views

    def halt(self, by: str) -> HaltView:
        """Stop the robot's motion at once. Works without Redis where the link runs on this machine."""
        view = self._ask(HaltRequest(by=by), SWITCH_LIMIT_S).halt
        if view is None:
            raise _unreadable()
        return view

    def stop(self) -> None:
        """Ask the link to return all domains to the robot and to exit."""
        self._ask(StopRequest(), SHOW_LIMIT_S)

    def _ask(self, request: Message, limit_s: float) -> SteeringAnswer:
        try:
            answer = SteeringAnswer.model_validate_json(self._send(request.model_dump_json().encode(), limit_s))
        except ValidationError:
            raise _unreadable() from None
        if answer.refusal is not None:
            raise _error(answer.refusal)
        return answer

    def _send(self, request: bytes, limit_s: float) -> bytes:
        missing: NotRunning | None = None
        if self._socket is not None:
            try:
                return ask_socket(self._socket, request, limit_s)
            except NotRunning as error:
                missing = error  # the link may run on another machine, or in another container
            except NoAnswer as error:
                raise NoAnswer(f"the link runs and does not answer: {error.message}", remedy=HANGS_REMEDY) from error
        try:
            return self._over_redis.ask(request, limit_s)
        except NotRunning as error:
            raise NotRunning(f"the link to the robot is not running: {error.message}", remedy=START_REMEDY) from error
        except NoAnswer as error:
            raise NoAnswer(error.message, remedy=HANGS_REMEDY) from error
        except BackendUnavailable as error:
            if missing is None:
                raise BackendUnavailable(error.message, remedy=START_REMEDY) from error
            raise NotRunning(
                f"the link to the robot is not running: {missing.message}; and over Redis: {error.message}",
                remedy=START_REMEDY,
            ) from error


def _error(refusal: Refusal) -> RiderError:
    kinds: dict[str, type[RiderError]] = {"invalid_input": InvalidInput, "too_large": InvalidInput}
    return kinds.get(refusal.code, NoAnswer)(refusal.message, remedy=refusal.remedy)


def _unreadable() -> NoAnswer:
    return NoAnswer(
        "the link's answer cannot be read: it is of another version",
        remedy="start the link and its clients from the same installation",
    )
