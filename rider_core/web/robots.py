"""The HTTP interface to the robot: its state, and whether the PC or the robot serves each domain. The link answers.

    GET   /api/v1/robots                            every robot; one that does not answer has a `problem`
    GET   /api/v1/robots/<name>                     one robot
    GET   /api/v1/robots/<name>/switches            the history, oldest first
    PATCH /api/v1/robots/<name>/domains/<domain>    {"choice": "pc" | "local" | "automatic", "why"?: "..."}

A switch is answered with 200 if the robot reports what was chosen (`confirmed: true`), else with 202: the choice is
kept, `problem` has the reason, and the link retries. Errors are JSON with `code`, `message` and `remedy`: 400 the
request is wrong, 404 there is no such robot or domain, 415 the request is not JSON, 503 the link is not running or does
not answer, or Redis cannot be reached.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from rider_core.api.messages import Message, parse_json
from rider_core.api.steering import DOMAINS, MAX_SWITCHES, MAX_WHY, Choice
from rider_core.errors import BackendUnavailable, NoAnswer
from rider_core.metrics import REFUSED
from rider_core.runtime.robot_client import ROBOT, RobotClient

Answer = tuple[Response, int]


class ChoiceBody(Message):
    """Body of PATCH."""

    choice: Choice = Field(description="pc, local (the robot) or automatic")
    why: str = Field("", max_length=MAX_WHY, description="reason, for the history")


def robots_blueprint(client: RobotClient) -> Blueprint:
    """The routes. Each sends a request to the link."""
    robots = Blueprint("robots", __name__, url_prefix="/api/v1/robots")

    @robots.get("")
    def list_robots() -> Response:
        try:
            robot = _show(client, switches=0)
        except (NoAnswer, BackendUnavailable) as error:
            robot = {"name": ROBOT, "problem": error.message, "remedy": error.remedy}
        return jsonify({"robots": [robot]})

    @robots.get("/<name>")
    def show_robot(name: str) -> Response | Answer:
        return _no_robot(name) or jsonify(_show(client, switches=20))

    @robots.get("/<name>/switches")
    def switches(name: str) -> Response | Answer:
        missing = _no_robot(name)
        if missing is not None:
            return missing
        return jsonify({"switches": _show(client, switches=MAX_SWITCHES)["switches"]})

    @robots.patch("/<name>/domains/<domain>")
    def choose(name: str, domain: str) -> Answer:
        missing = _no_robot(name) or _no_domain(domain)
        if missing is not None:
            return missing
        if not request.is_json:
            return _refused("content_type", "the request is not JSON", "send Content-Type: application/json", 415)
        body = parse_json(ChoiceBody, request.get_data())
        # A browser sends `Origin`, and the security middleware admits the panel's own page only.
        by = "the panel" if "Origin" in request.headers else "the HTTP interface"
        switched = client.switch(domain, body.choice, by, body.why)
        return jsonify(switched.model_dump(mode="json")), 200 if switched.confirmed else 202

    return robots


def _show(client: RobotClient, switches: int) -> dict[str, Any]:
    return {"name": ROBOT, "problem": "", **client.show(switches).model_dump(mode="json")}


def _no_robot(name: str) -> Answer | None:
    if name == ROBOT:
        return None
    return _refused("not_found", f"there is no robot {name[:40]!r}", f"its name is {ROBOT}", 404)


def _no_domain(domain: str) -> Answer | None:
    if domain in DOMAINS:
        return None
    return _refused("not_found", f"the robot has no domain {domain[:40]!r}", f"use one of {', '.join(DOMAINS)}", 404)


def _refused(code: str, message: str, remedy: str, status: int) -> Answer:
    REFUSED.labels("web", code).inc()
    return jsonify({"code": code, "message": message, "remedy": remedy}), status
